// Asks cel-go what mapping expressions and conditions are worth. Reads questions as JSON lines on stdin:
// {"a": index of an assertion, "e": expression}; the first line is the list of assertions. Writes the same lines with "v", the
// value with its type, or "error": true. What cel-go's checker refuses is an error, too, as it is where a provider is written.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"regexp"
	"sort"
	"strings"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
	"github.com/google/cel-go/ext"
)

type question struct {
	Assertion  int    `json:"a"`
	Expression string `json:"e"`
	Value      any    `json:"v,omitempty"`
	Error      bool   `json:"error,omitempty"`
}

var place = regexp.MustCompile(`^([^{}]*)\{[^{}]+\}([^{}]*)$`)

// extract as Google documents it: https://cloud.google.com/iam/docs/conditions-attribute-reference#extract
func extract(text, template string) (string, bool) {
	parts := place.FindStringSubmatch(template)
	if parts == nil {
		return "", false
	}
	_, after, found := strings.Cut(text, parts[1])
	if !found {
		return "", true
	}
	if parts[2] == "" {
		return after, true
	}
	part, _, found := strings.Cut(after, parts[2])
	if !found {
		return "", true
	}
	return part, true
}

func environment() (*cel.Env, error) {
	claims := cel.MapType(cel.StringType, cel.DynType)
	return cel.NewEnv(
		cel.Variable("assertion", claims),
		cel.Variable("google", claims),
		cel.Variable("attribute", claims),
		// The standard orders numbers of two types; cel-go asks for it by an option, and forgets within macros that it was not given.
		cel.CrossTypeNumericComparisons(true),
		ext.Strings(),
		cel.Function("extract", cel.MemberOverload("string_extract_string", []*cel.Type{cel.StringType, cel.StringType},
			cel.StringType, cel.BinaryBinding(func(text, template ref.Val) ref.Val {
				part, ok := extract(string(text.(types.String)), string(template.(types.String)))
				if !ok {
					return types.NewErr("no template")
				}
				return types.String(part)
			}))),
	)
}

// A value with its type, one way of writing each.
func show(value ref.Val) (any, error) {
	switch value := value.(type) {
	case types.Null:
		return map[string]any{"null": nil}, nil
	case types.Bool:
		return map[string]any{"bool": bool(value)}, nil
	case types.Int:
		return map[string]any{"int": fmt.Sprint(int64(value))}, nil
	case types.Uint:
		return map[string]any{"uint": fmt.Sprint(uint64(value))}, nil
	case types.Double:
		if math.IsNaN(float64(value)) {
			return map[string]any{"double": "nan"}, nil
		}
		return map[string]any{"double": fmt.Sprintf("%016x", math.Float64bits(float64(value)))}, nil
	case types.String:
		return map[string]any{"string": string(value)}, nil
	case types.Bytes:
		return map[string]any{"bytes": fmt.Sprintf("%x", []byte(value))}, nil
	case types.Timestamp:
		return map[string]any{"timestamp": string(value.ConvertToType(types.StringType).(types.String))}, nil
	case types.Duration:
		return map[string]any{"duration": fmt.Sprint(value.Nanoseconds())}, nil
	case *types.Type:
		return map[string]any{"type": value.TypeName()}, nil
	case traits.Lister:
		list := []any{}
		for it := value.Iterator(); it.HasNext() == types.True; {
			one, err := show(it.Next())
			if err != nil {
				return nil, err
			}
			list = append(list, one)
		}
		return map[string]any{"list": list}, nil
	case traits.Mapper:
		entries := [][2]any{}
		for it := value.Iterator(); it.HasNext() == types.True; {
			key := it.Next()
			shownKey, err := show(key)
			if err != nil {
				return nil, err
			}
			shown, err := show(value.Get(key))
			if err != nil {
				return nil, err
			}
			entries = append(entries, [2]any{shownKey, shown})
		}
		sort.Slice(entries, func(i, j int) bool { return fmt.Sprint(entries[i][0]) < fmt.Sprint(entries[j][0]) })
		return map[string]any{"map": entries}, nil
	}
	return nil, fmt.Errorf("a value of type %s", value.Type())
}

func answer(env *cel.Env, expression string, world map[string]any) (any, error) {
	ast, issues := env.Compile(expression)
	if issues.Err() != nil {
		return nil, issues.Err()
	}
	program, err := env.Program(ast)
	if err != nil {
		return nil, err
	}
	value, _, err := program.Eval(world)
	if err != nil {
		return nil, err
	}
	return show(value)
}

func main() {
	env, err := environment()
	if err != nil {
		panic(err)
	}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<26)
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	lines.Scan()
	var worlds []map[string]any
	if err := json.Unmarshal(lines.Bytes(), &worlds); err != nil {
		panic(err)
	}
	for lines.Scan() {
		var asked question
		if err := json.Unmarshal(lines.Bytes(), &asked); err != nil {
			panic(err)
		}
		asked.Value, err = answer(env, asked.Expression, worlds[asked.Assertion])
		if err != nil {
			asked.Value, asked.Error = nil, true
			if os.Getenv("WHY") != "" {
				fmt.Fprintln(os.Stderr, asked.Expression, "\n   ", err)
			}
		}
		if err := out.Encode(asked); err != nil {
			panic(err)
		}
	}
}
