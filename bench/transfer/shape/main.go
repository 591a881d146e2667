// shape is a TCP proxy on loopback that makes a line worse: latency, a rate for each connection and direction, and reads that
// are cut. Usage: shape LISTEN TARGET DELAY-MS MBIT-PER-SECOND CUT-PERCENT SEED
package main

import (
	"fmt"
	"math/rand"
	"net"
	"os"
	"strconv"
	"sync"
	"time"
)

const piece = 64 << 10

type line struct {
	delay time.Duration
	rate  float64 // bytes a second, 0 is unlimited
	cut   float64 // chance that a read is cut
	mutex sync.Mutex
	dice  *rand.Rand
}

type parcel struct {
	bytes []byte
	due   time.Time
}

func main() {
	if len(os.Args) != 7 {
		fmt.Fprintln(os.Stderr, "usage: shape LISTEN TARGET DELAY-MS MBIT CUT-PERCENT SEED")
		os.Exit(2)
	}
	number := func(at int) float64 {
		value, err := strconv.ParseFloat(os.Args[at], 64)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
		return value
	}
	line := &line{
		delay: time.Duration(number(3) * float64(time.Millisecond)),
		rate:  number(4) * 1e6 / 8,
		cut:   number(5) / 100,
		dice:  rand.New(rand.NewSource(int64(number(6)))),
	}
	listener, err := net.Listen("tcp", os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(listener.Addr())
	for {
		near, err := listener.Accept()
		if err != nil {
			return
		}
		go line.connect(near, os.Args[2])
	}
}

func (l *line) connect(near net.Conn, target string) {
	// The handshake of the near side was free; the line's own is paid here.
	time.Sleep(l.delay)
	far, err := net.Dial("tcp", target)
	if err != nil {
		near.Close()
		return
	}
	var both sync.WaitGroup
	both.Add(2)
	go func() { defer both.Done(); l.carry(near, far, false) }()
	go func() { defer both.Done(); l.carry(far, near, true) }()
	both.Wait()
	near.Close()
	far.Close()
}

// carry moves bytes one way: each parcel arrives half a round trip after it was sent, and no sooner than the rate allows.
func (l *line) carry(from, to net.Conn, may bool) {
	parcels := make(chan parcel, 256)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for p := range parcels {
			time.Sleep(time.Until(p.due))
			if _, err := to.Write(p.bytes); err != nil {
				from.Close()
				for range parcels {
				}
				return
			}
		}
		if half, ok := to.(*net.TCPConn); ok {
			half.CloseWrite()
		}
	}()
	free := time.Now()
	buffer := make([]byte, piece)
	for {
		count, err := from.Read(buffer)
		if count > 0 {
			now := time.Now()
			if free.Before(now) {
				free = now
			}
			if l.rate > 0 {
				free = free.Add(time.Duration(float64(count) / l.rate * float64(time.Second)))
				// Not more on its way than a window's worth.
				time.Sleep(time.Until(free.Add(-5 * time.Millisecond)))
			}
			if may && count == piece && l.unlucky() {
				reset(from)
				reset(to)
				break
			}
			parcels <- parcel{append([]byte(nil), buffer[:count]...), free.Add(l.delay / 2)}
		}
		if err != nil {
			break
		}
	}
	close(parcels)
	<-done
}

func (l *line) unlucky() bool {
	if l.cut == 0 {
		return false
	}
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.dice.Float64() < l.cut
}

func reset(connection net.Conn) {
	if tcp, ok := connection.(*net.TCPConn); ok {
		tcp.SetLinger(0)
	}
	connection.Close()
}
