package gateway

import (
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"time"
)

// Options configure a gateway. APIs and Invoker are required.
type Options struct {
	// APIs to serve, each with its own ID and stage pair.
	APIs []API
	// Invoker runs the routes' functions.
	Invoker Invoker
	// Faults makes posts go wrong on purpose; nil leaves them alone.
	Faults Faults
	// Log receives what went wrong, by connection and request id; nil discards it. Payloads are never logged.
	Log *slog.Logger
	// Now is the clock of events, idleness and lifetimes; nil means time.Now. Time limits of single operations (integration, write) run on
	// the real clock.
	Now func() time.Time
	// Sweep is how often connections are checked for idleness and age; 0 means 1 s.
	Sweep time.Duration
	// Limits of connections; zero fields take API Gateway's quotas.
	Limits Limits
	// Inferred behaviours, where AWS documents nothing.
	Inferred Inferred
}

// Limits bound what one connection may cost. A zero field takes its default.
type Limits struct {
	// Frame is the largest payload of one frame from a client, in bytes: 32 KB (API Gateway quotas).
	Frame int
	// Message is the largest message in either direction, in bytes: 128 KB (API Gateway quotas).
	Message int
	// URL is the longest URL of a handshake, in characters: 4096 (API Gateway quotas).
	URL int
	// Idle is how long a connection may carry no message: 10 minutes (API Gateway quotas).
	Idle time.Duration
	// Lifetime is how long a connection may last: 2 hours (API Gateway quotas).
	Lifetime time.Duration
	// InFlight is how many functions the messages of one connection may keep running at once: 16. API Gateway has no such number, but a laptop
	// pays a process for each; above it the gateway stops reading from that client, and TCP holds the rest back. 1 makes a connection serial.
	InFlight int
	// SendBuffer is how many bytes may wait to be written to one client: 1 MiB, frame overhead included. Above it posts are answered 429.
	SendBuffer int
	// Write is how long one message may take to be written before the client counts as dead: 10 s.
	Write time.Duration
}

// Inferred holds one switch for each behaviour that no source confirms. The zero value is the inferred behaviour; the fields say the other
// one. Re-check on AWS, then delete the field.
type Inferred struct {
	// MalformedConnectStatus answers the handshake when $connect returned no valid proxy response (A1.6): 502.
	MalformedConnectStatus int
	// ConnectTaskTimeoutStatus answers the handshake when $connect ran into its own Lambda timeout (A1.7): 502.
	ConnectTaskTimeoutStatus int
	// ConnectTimeoutStatus answers the handshake when the integration timeout passed first (A1.7): 504.
	ConnectTimeoutStatus int
	// UnknownStageStatus answers a handshake for a stage that does not exist (A1.12): 403.
	UnknownStageStatus int
	// PingResetsIdle lets a client's ping count against idleness (A2.7).
	PingResetsIdle bool
	// OnlyReceivedResetsIdle lets only messages from the client count against idleness, not those to it (A8.3 leaves it open).
	OnlyReceivedResetsIdle bool
	// FirstQueryValue keeps the first of a repeated query key in queryStringParameters, not the last (A4.1).
	FirstQueryValue bool
	// RouteDollarKeys lets a message select "$connect" and "$disconnect" (A5.5).
	RouteDollarKeys bool
	// NullResultAccepted treats a message function's null result as success instead of an error (A6.7).
	NullResultAccepted bool
	// FreshErrorRequestID gives an error frame a request id of its own, not that of the failing event (A6.9).
	FreshErrorRequestID bool
	// LifetimeCloseCode closes a connection that reached its lifetime (A8.4): 1001.
	LifetimeCloseCode int
	// OmitClientCloseReason keeps a client's close reason from $disconnect (A8.8).
	OmitClientCloseReason bool
	// DropCode is what $disconnect gets for a connection lost without a close frame (A8.9): 1006.
	DropCode int
	// DropUntilIdle takes a lost connection for open until the idle time has passed: posts answer 200, $disconnect comes late (A8.9, C7).
	DropUntilIdle bool
	// DisconnectAfterRefusal runs $disconnect for a connection that $connect refused (A8.13), with DropCode.
	DisconnectAfterRefusal bool
	// DisconnectWaitsForMessages runs $disconnect only after the connection's message functions have returned (A8.14).
	DisconnectWaitsForMessages bool
	// InvalidUTF8Accepted lets text that is not UTF-8 through, with U+FFFD in the event, instead of closing with 1007 (RFC 6455 §8.1).
	InvalidUTF8Accepted bool
	// EmptyStageVariables puts "stageVariables":{} into events of a stage without any (B4).
	EmptyStageVariables bool
	// LenientProxyResponse accepts unknown top-level keys in a function's result (B9).
	LenientProxyResponse bool
	// EmptyPostRefused answers an empty post with 400 instead of sending an empty message (C9).
	EmptyPostRefused bool
	// BinaryPosts sends posts that are not UTF-8 as binary frames (C10).
	BinaryPosts bool
	// MalformedIDGone answers GET and DELETE of an id that cannot be decoded with 410 instead of 400 (C5).
	MalformedIDGone bool
}

// Bounds of an integration timeout (API Gateway quotas).
const (
	minIntegrationTimeout = 50 * time.Millisecond
	maxIntegrationTimeout = 29 * time.Second
)

var stageName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,128}$`)

func (o Options) withDefaults() (Options, error) {
	if o.Invoker == nil {
		return o, errors.New("gateway: no invoker")
	}
	if len(o.APIs) == 0 {
		return o, errors.New("gateway: no APIs")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	setDefault(&o.Sweep, time.Second)
	setDefault(&o.Limits.Frame, 32<<10)
	setDefault(&o.Limits.Message, 128<<10)
	setDefault(&o.Limits.URL, 4096)
	setDefault(&o.Limits.Idle, 10*time.Minute)
	setDefault(&o.Limits.Lifetime, 2*time.Hour)
	setDefault(&o.Limits.InFlight, 16)
	setDefault(&o.Limits.SendBuffer, 1<<20)
	setDefault(&o.Limits.Write, 10*time.Second)
	setDefault(&o.Inferred.MalformedConnectStatus, 502)
	setDefault(&o.Inferred.ConnectTaskTimeoutStatus, 502)
	setDefault(&o.Inferred.ConnectTimeoutStatus, 504)
	setDefault(&o.Inferred.UnknownStageStatus, 403)
	setDefault(&o.Inferred.LifetimeCloseCode, 1001)
	setDefault(&o.Inferred.DropCode, 1006)
	if err := o.Limits.check(); err != nil {
		return o, fmt.Errorf("gateway: %w", err)
	}
	if err := o.Inferred.check(); err != nil {
		return o, fmt.Errorf("gateway: %w", err)
	}
	apis := make([]API, len(o.APIs))
	seen := make(map[[2]string]bool, len(o.APIs))
	for i, api := range o.APIs {
		api, err := api.withDefaults()
		if err != nil {
			return o, fmt.Errorf("gateway: API %q: %w", api.ID, err)
		}
		if key := [2]string{api.ID, api.Stage}; seen[key] {
			return o, fmt.Errorf("gateway: API %q has stage %q twice", api.ID, api.Stage)
		} else {
			seen[key] = true
		}
		apis[i] = api
	}
	o.APIs = apis
	return o, nil
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

func (l Limits) check() error {
	for name, n := range map[string]int64{
		"Frame": int64(l.Frame), "Message": int64(l.Message), "URL": int64(l.URL), "Idle": int64(l.Idle), "Lifetime": int64(l.Lifetime),
		"InFlight": int64(l.InFlight), "SendBuffer": int64(l.SendBuffer), "Write": int64(l.Write),
	} {
		if n < 0 {
			return fmt.Errorf("limit %s is negative", name)
		}
	}
	if least := l.Message + frameOverhead; l.SendBuffer < least {
		return fmt.Errorf("a send buffer of %d bytes cannot hold one message: give it at least %d", l.SendBuffer, least)
	}
	return nil
}

// check refuses what net/http or the WebSocket framing would refuse later, in the middle of a connection.
func (i Inferred) check() error {
	for name, status := range map[string]int{
		"MalformedConnectStatus": i.MalformedConnectStatus, "ConnectTaskTimeoutStatus": i.ConnectTaskTimeoutStatus,
		"ConnectTimeoutStatus": i.ConnectTimeoutStatus, "UnknownStageStatus": i.UnknownStageStatus,
	} {
		if status < 300 || status > 599 {
			return fmt.Errorf("%s: %d does not refuse a handshake", name, status)
		}
	}
	if code := i.LifetimeCloseCode; code != 1000 && code != 1001 && (code < 3000 || code > 4999) {
		return fmt.Errorf("LifetimeCloseCode: %d cannot be sent by a server", code)
	}
	return nil
}

func (a API) withDefaults() (API, error) {
	if a.ID == "" {
		return a, errors.New("no ID")
	}
	if !stageName.MatchString(a.Stage) {
		return a, fmt.Errorf("stage %q is not 1 to 128 of A-Z a-z 0-9 - _", a.Stage)
	}
	routes := make(map[string]Route, len(a.Routes))
	for key, route := range a.Routes {
		setDefault(&route.Key, key)
		setDefault(&route.Timeout, maxIntegrationTimeout)
		switch {
		case route.Key != key:
			return a, fmt.Errorf("route %q is listed under %q", route.Key, key)
		case key == "":
			return a, errors.New("a route has no key")
		case route.Function == "":
			return a, fmt.Errorf("route %q has no function", key)
		case route.Timeout < minIntegrationTimeout || route.Timeout > maxIntegrationTimeout:
			return a, fmt.Errorf("route %q: timeout %v is outside %v to %v", key, route.Timeout, minIntegrationTimeout, maxIntegrationTimeout)
		}
		routes[key] = route
	}
	a.Routes = routes
	return a, nil
}
