package gateway

import (
	"cmp"
	"slices"
	"time"

	"github.com/sotto-chat/sotto/localstack/awsname"
)

// Snapshot describes a gateway at one moment.
type Snapshot struct {
	// Connections are the open connections, the oldest first.
	Connections []ConnectionInfo
	// Routes are the routes of all APIs, in the order of API, stage and key.
	Routes []RouteInfo
}

// ConnectionInfo describes an open connection.
type ConnectionInfo struct {
	ID, API, Stage          string
	ConnectedAt, LastActive time.Time
	SourceIP, UserAgent     string
	// MessagesIn and MessagesOut count messages from and to the client.
	MessagesIn, MessagesOut int64
}

// RouteInfo describes a route.
type RouteInfo struct {
	API, Stage, Key string
	// Function and Authorizer are the names of functions, empty if the route
	// has none.
	Function, Authorizer string
	// TwoWay reports whether the function's body goes back to the client.
	TwoWay bool
}

// Snapshot returns the connections and routes. Its parts may be from slightly
// different moments.
func (g *Gateway) Snapshot() Snapshot {
	var s Snapshot
	g.mu.Lock()
	for _, c := range g.connections {
		s.Connections = append(s.Connections, ConnectionInfo{
			ID:          c.id,
			API:         c.apiID,
			Stage:       c.stageName,
			ConnectedAt: c.connectedAt,
			LastActive:  time.Unix(0, c.lastActive.Load()),
			SourceIP:    c.identity.SourceIP,
			UserAgent:   c.identity.UserAgent,
			MessagesIn:  c.received.Load(),
			MessagesOut: c.sent.Load(),
		})
	}
	g.mu.Unlock()
	slices.SortFunc(s.Connections, func(a, b ConnectionInfo) int {
		return cmp.Or(a.ConnectedAt.Compare(b.ConnectedAt), cmp.Compare(a.ID, b.ID))
	})
	for _, stage := range g.stages() {
		for key, route := range stage.routes {
			info := RouteInfo{
				API:      stage.ID,
				Stage:    stage.Stage,
				Key:      key,
				Function: awsname.FunctionName(route.Function),
				TwoWay:   route.RouteResponse,
			}
			if route.Authorizer != nil {
				info.Authorizer = awsname.FunctionName(route.Authorizer.Function)
			}
			s.Routes = append(s.Routes, info)
		}
	}
	slices.SortFunc(s.Routes, func(a, b RouteInfo) int {
		return cmp.Or(cmp.Compare(a.API, b.API), cmp.Compare(a.Stage, b.Stage), cmp.Compare(a.Key, b.Key))
	})
	return s
}
