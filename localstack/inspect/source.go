package inspect

import (
	"context"
	"encoding/json"
	"time"
)

// Source is whom an [Inspector] asks for what exists now. A nil function has
// nothing to show. They may be called concurrently.
type Source struct {
	APIs        func() []API
	Connections func() []Connection
	Functions   func() []Function
	Tables      func() []Table
	// Items returns some items of a table, in DynamoDB's JSON, at most limit.
	Items func(ctx context.Context, table string, limit int) ([]json.RawMessage, error)
	// Arm says whether a function runs on arm64 on AWS, which costs less. It
	// must not call the Inspector.
	Arm func(function string) bool
}

// API is one stage of a WebSocket API.
type API struct {
	ID, Stage, URL string
	Routes         []Route
}

// Route leads to a function.
type Route struct {
	Key, Function string
	// Note is such as "two-way" or "authorizer: NAME"; may be empty.
	Note string
}

// Connection is one open WebSocket.
type Connection struct {
	ID, API, Stage, SourceIP string
	ConnectedAt, LastActive  time.Time
	In, Out                  int // messages
}

// Function is one deployed function and its running instances.
type Function struct {
	Name      string
	MemoryMB  int
	Timeout   time.Duration
	Instances []Instance
	// Stats are filled in by the Inspector.
	Stats FunctionStats
}

// Instance is one process of a function.
type Instance struct {
	ID          string
	PID         int
	State       string
	Created     time.Time
	Invocations int
	// MemoryMB is what it uses now; 0 is unknown.
	MemoryMB int
	// Invocation is the request id of what it works on, or empty.
	Invocation string
}

// Table is one table.
type Table struct {
	Name    string
	Key     string // such as "room (S), seq (N)"
	Items   int64
	Bytes   int64
	Indexes []string
	Stream  bool
}

// State is everything that exists now.
type State struct {
	Now         time.Time
	APIs        []API
	Connections []Connection
	Functions   []Function
	Tables      []Table
	Bill        Bill
}

// State asks the services.
func (in *Inspector) State() State {
	in.mu.Lock()
	source := in.source
	in.mu.Unlock()
	state := State{Now: in.opts.Now(), Bill: in.Bill()}
	if source.APIs != nil {
		state.APIs = source.APIs()
	}
	if source.Connections != nil {
		state.Connections = source.Connections()
	}
	if source.Tables != nil {
		state.Tables = source.Tables()
	}
	if source.Functions != nil {
		state.Functions = source.Functions()
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	for i := range state.Functions {
		if s := in.stats[state.Functions[i].Name]; s != nil {
			state.Functions[i].Stats = *s
		}
	}
	return state
}
