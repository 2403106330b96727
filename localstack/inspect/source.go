package inspect

import (
	"context"
	"encoding/json"
	"time"
)

// Source has the functions with which an [Inspector] reads what exists now. A
// nil function shows nothing. They may be called concurrently.
type Source struct {
	APIs        func() []API
	Connections func() []Connection
	Functions   func() []Function
	Tables      func() []Table
	// Permissions returns what policies grant to functions, and how often they
	// needed it.
	Permissions func() []Permission
	// Items returns at most limit items of a table, as DynamoDB JSON.
	Items func(ctx context.Context, table string, limit int) ([]json.RawMessage, error)
	// Arm reports whether a function runs on arm64 on AWS, which costs less. It
	// must not call the Inspector.
	Arm func(function string) bool
}

// API is one stage of a WebSocket API.
type API struct {
	ID, Stage, URL string
	Routes         []Route
}

// Route is a route and its function.
type Route struct {
	Key, Function string
	// Note describes it further, such as "two-way"; it may be empty.
	Note string
}

// Permission is one permission of a function's role, with the number of
// requests that needed it. Policy is the ARN of a key or table whose policy
// grants it, empty for the function's own policies.
type Permission struct {
	Function   string   `json:"function"`
	Action     string   `json:"action"`
	Resource   string   `json:"resource"`
	Conditions []string `json:"conditions,omitempty"` // key=value
	Policy     string   `json:"policy,omitempty"`
	Requests   uint64   `json:"requests"`
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
	// MemoryMB is the memory in use; 0 means unknown.
	MemoryMB int
	// Invocation is the Lambda request id of the current invocation, or empty.
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

// State reads the source and adds the bill and the functions' statistics.
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
