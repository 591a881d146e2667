// A provider that has a published schema and nothing else: `terraform validate` asks no more of one. The schema is the
// file SCHEMA_DIR/NAME.json, where NAME is what this binary's name ends with: terraform-provider-NAME.
package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"

	"github.com/hashicorp/terraform-plugin-go/tfprotov5"
	"github.com/hashicorp/terraform-plugin-go/tfprotov5/tf5server"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

type attribute struct {
	Name     string
	Type     json.RawMessage
	Required bool
	Computed bool
}

type nested struct {
	Name     string
	Min, Max int64
	Block    block
}

type block struct {
	Attributes []attribute
	Blocks     []nested
}

type schemas struct {
	Provider  block
	Resources map[string]block
}

func (b block) schema() *tfprotov5.SchemaBlock {
	out := &tfprotov5.SchemaBlock{}
	for _, a := range b.Attributes {
		kind, err := tftypes.ParseJSONType(a.Type) //nolint:staticcheck // the one way from JSON
		if err != nil {
			panic(err)
		}
		out.Attributes = append(out.Attributes, &tfprotov5.SchemaAttribute{
			Name: a.Name, Type: kind, Required: a.Required, Optional: !a.Required && !a.Computed, Computed: a.Computed,
		})
	}
	for _, n := range b.Blocks {
		out.BlockTypes = append(out.BlockTypes, &tfprotov5.SchemaNestedBlock{
			TypeName: n.Name, Nesting: tfprotov5.SchemaNestedBlockNestingModeList,
			MinItems: n.Min, MaxItems: n.Max, Block: n.Block.schema(),
		})
	}
	return out
}

type server struct {
	tfprotov5.ProviderServer
	schemas schemas
}

func (s server) GetMetadata(context.Context, *tfprotov5.GetMetadataRequest) (*tfprotov5.GetMetadataResponse, error) {
	out := &tfprotov5.GetMetadataResponse{ServerCapabilities: &tfprotov5.ServerCapabilities{}}
	for name := range s.schemas.Resources {
		out.Resources = append(out.Resources, tfprotov5.ResourceMetadata{TypeName: name})
	}
	return out, nil
}

func (s server) GetProviderSchema(context.Context, *tfprotov5.GetProviderSchemaRequest) (*tfprotov5.GetProviderSchemaResponse, error) {
	out := &tfprotov5.GetProviderSchemaResponse{
		Provider:           &tfprotov5.Schema{Block: s.schemas.Provider.schema()},
		ResourceSchemas:    map[string]*tfprotov5.Schema{},
		ServerCapabilities: &tfprotov5.ServerCapabilities{},
	}
	for name, resource := range s.schemas.Resources {
		out.ResourceSchemas[name] = &tfprotov5.Schema{Block: resource.schema()}
	}
	return out, nil
}

func (s server) PrepareProviderConfig(_ context.Context, r *tfprotov5.PrepareProviderConfigRequest) (*tfprotov5.PrepareProviderConfigResponse, error) {
	return &tfprotov5.PrepareProviderConfigResponse{PreparedConfig: r.Config}, nil
}

func (s server) ValidateResourceTypeConfig(context.Context, *tfprotov5.ValidateResourceTypeConfigRequest) (*tfprotov5.ValidateResourceTypeConfigResponse, error) {
	return &tfprotov5.ValidateResourceTypeConfigResponse{}, nil
}

func (s server) StopProvider(context.Context, *tfprotov5.StopProviderRequest) (*tfprotov5.StopProviderResponse, error) {
	return &tfprotov5.StopProviderResponse{}, nil
}

func main() {
	name := strings.TrimPrefix(filepath.Base(os.Args[0]), "terraform-provider-")
	text, err := os.ReadFile(filepath.Join(os.Getenv("SCHEMA_DIR"), name+".json"))
	if err != nil {
		panic(err)
	}
	var s server
	if err := json.Unmarshal(text, &s.schemas); err != nil {
		panic(err)
	}
	address := "registry.terraform.io/hashicorp/" + name
	if err := tf5server.Serve(address, func() tfprotov5.ProviderServer { return s }); err != nil {
		panic(err)
	}
}
