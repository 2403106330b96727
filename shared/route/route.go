// Package route turns API Gateway's events into calls of the use cases, and
// their errors into a status or an error frame. It is the last place that sees
// an error's detail: a client gets a code from the closed list, the log gets
// the rest.
package route

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/frame"
	"github.com/sotto-chat/sotto/shared/recovery"
	"github.com/sotto-chat/sotto/shared/room"
	"github.com/sotto-chat/sotto/shared/strict"
)

// Handler is the function of a route, as lambda.Start takes it.
type Handler func(context.Context, *events.APIGatewayWebsocketProxyRequest) (events.APIGatewayProxyResponse, error)

// Router makes the handlers of the routes.
type Router struct {
	Service *room.Service
	Poster  room.Poster
	// KeySet returns the signed key set for error frames that carry it. It is
	// nil if no route needs it.
	KeySet func(context.Context) (string, error)
	Log    *slog.Logger
}

// Handler returns the handler of a route.
func (r *Router) Handler(route *Route) Handler {
	switch route.Key {
	case keyConnect:
		return r.connect(route)
	case keyDisconnect:
		return r.disconnect(route)
	case keyDefault:
		return r.unknown
	}
	return r.message(route)
}

// done is the answer of every route but a refused $connect: frames are posted
// to the connection, and a client does not see any other status.
var done = events.APIGatewayProxyResponse{StatusCode: http.StatusOK}

// connect handles $connect. A failure refuses the connection.
func (r *Router) connect(route *Route) Handler {
	return func(ctx context.Context,
		e *events.APIGatewayWebsocketProxyRequest) (events.APIGatewayProxyResponse, error) {
		c := call(e)
		err := recovery.Call(func() error { return route.UseCase(ctx, r.Service, c, nil) })
		if err != nil {
			r.Log.ErrorContext(ctx, "connection refused", "err", err, "connection", c.Connection, recovery.StackOf(err))
			return events.APIGatewayProxyResponse{StatusCode: http.StatusInternalServerError}, nil
		}
		return done, nil
	}
}

// disconnect handles $disconnect. A failure is only logged: API Gateway does
// not retry, and the rows that are left expire.
func (r *Router) disconnect(route *Route) Handler {
	return func(ctx context.Context,
		e *events.APIGatewayWebsocketProxyRequest) (events.APIGatewayProxyResponse, error) {
		c := call(e)
		err := recovery.Call(func() error { return route.UseCase(ctx, r.Service, c, nil) })
		if err != nil {
			r.Log.ErrorContext(ctx, "failed to remove the connection's rows", "err", err, "connection", c.Connection,
				recovery.StackOf(err))
		}
		return done, nil
	}
}

// unknown handles $default: it refuses every frame.
func (r *Router) unknown(ctx context.Context,
	e *events.APIGatewayWebsocketProxyRequest) (events.APIGatewayProxyResponse, error) {
	c := call(e)
	var isFrame bool
	c.Ref, isFrame = frame.Ref(c.Frame)
	refusal := chat.BadFrame
	switch {
	case len(e.Body) > chat.MaxFrame:
		refusal = chat.FrameTooLarge
	case isFrame:
		refusal = chat.UnknownAction
	}
	r.refuse(ctx, c, keyDefault, refusal)
	return done, nil
}

// message handles a frame: it parses it, runs the use case, and answers with an
// error frame if that fails. A panic counts as a failure.
func (r *Router) message(route *Route) Handler {
	return func(ctx context.Context,
		e *events.APIGatewayWebsocketProxyRequest) (events.APIGatewayProxyResponse, error) {
		c := call(e)
		limited, cancel := Reserve(ctx)
		defer cancel()
		err := recovery.Call(func() error {
			f, ref, err := frame.Parse(route.Key, c.Frame)
			c.Ref = ref
			if err != nil {
				return err
			}
			return route.UseCase(limited, r.Service, c, f)
		})
		if err != nil {
			r.refuse(ctx, c, route.Key, err)
		}
		return done, nil
	}
}

// Deliver handles the asynchronous event that hands over a chunk of a large
// room. Lambda retries it after an error.
func (r *Router) Deliver(ctx context.Context, chunk room.Chunk) error {
	ctx, cancel := Reserve(ctx)
	defer cancel()
	err := recovery.Call(func() error { return r.Service.Deliver(ctx, chunk) })
	if _, panicked := errors.AsType[*recovery.PanicError](err); panicked || errors.Is(err, room.ErrDamaged) {
		r.Log.ErrorContext(ctx, "failed to deliver the chunk", "err", err, "room", chunk.Room, "seq", chunk.Seq,
			recovery.StackOf(err))
	}
	if errors.Is(err, room.ErrDamaged) {
		return nil // a retry would fail as well
	}
	return err
}

// ReplyTime is the part of a function's time that a use case leaves for the
// error frame and the log line when it runs out of time.
const ReplyTime = time.Second

// Reserve returns a context that ends ReplyTime before the function does.
func Reserve(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, deadline.Add(-ReplyTime))
}

// refuse posts an error frame, and closes the connection if the protocol says
// so or too many frames were refused on it.
func (r *Router) refuse(ctx context.Context, c room.Call, routeKey string, err error) {
	refusal := visible(err)
	if refusal == chat.Internal || refusal == chat.TryAgain {
		r.Log.ErrorContext(ctx, "call failed", "err", err, "connection", c.Connection, recovery.StackOf(err))
	}
	reply := frame.NewError(refusal, c.Ref)
	if refusal == chat.StaleServerKey && r.KeySet != nil {
		keyset, err := r.KeySet(ctx)
		if err != nil {
			r.Log.ErrorContext(ctx, "failed to load the key set", "err", err, "connection", c.Connection)
		}
		reply.KeySet = keyset
	}
	data, err := strict.Marshal(reply)
	if err != nil {
		r.Log.ErrorContext(ctx, "failed to encode the error frame", "err", err, "connection", c.Connection)
		return
	}
	limited, cancel := context.WithTimeout(ctx, ReplyTime/2)
	defer cancel()
	authentic, err := r.Service.Authenticate(limited, c, data)
	if err != nil {
		r.Log.ErrorContext(ctx, "failed to authenticate the error frame", "err", err, "connection", c.Connection)
		authentic = data // the client reconnects
	}
	if err := r.Poster.Post(ctx, c.Connection, authentic); err != nil && !errors.Is(err, room.ErrGone) {
		r.Log.WarnContext(ctx, "failed to post the error frame", "err", err, "connection", c.Connection)
	}
	if refusal.Closes() || r.isTooMany(ctx, c, routeKey, refusal) {
		if err := r.Poster.Close(ctx, c.Connection); err != nil {
			r.Log.WarnContext(ctx, "failed to close the connection", "err", err, "connection", c.Connection)
		}
	}
}

// isTooMany counts a refusal that costs the client no rate, or that a client
// gets for ignoring its rate, and reports whether the connection must end.
func (r *Router) isTooMany(ctx context.Context, c room.Call, routeKey string, refusal *chat.Error) bool {
	switch refusal {
	case chat.Internal, chat.TryAgain:
		return false // not the client's fault
	case chat.RateLimited, chat.BadFrame, chat.UnknownAction, chat.FrameTooLarge, chat.HandshakeRequired, chat.BadMAC:
	default:
		if routeKey != frame.ActionHandshake {
			return false // the frame was paid for
		}
	}
	var tooMany bool
	err := recovery.Call(func() (err error) {
		tooMany, err = r.Service.Refused(ctx, c, refusal)
		return err
	})
	if err != nil {
		r.Log.WarnContext(ctx, "failed to count the refusal", "err", err, "connection", c.Connection,
			recovery.StackOf(err))
	}
	return tooMany
}

// visible returns what a client may learn of an error.
func visible(err error) *chat.Error {
	if refusal, ok := errors.AsType[*chat.Error](err); ok {
		return refusal
	}
	if errors.Is(err, room.ErrBusy) || errors.Is(err, room.ErrNoKeySet) || errors.Is(err, context.DeadlineExceeded) {
		return chat.TryAgain
	}
	return chat.Internal
}

// call returns the caller that an event names.
func call(e *events.APIGatewayWebsocketProxyRequest) room.Call {
	c := room.NewCall(chat.Connection(e.RequestContext.ConnectionID),
		time.UnixMilli(e.RequestContext.ConnectedAt), []byte(e.Body))
	c.Network = networkOf(e.RequestContext.Identity.SourceIP)
	return c
}

// networkOf returns the part of an IP address that one customer of a provider
// usually has: an IPv4 address, or a /64 of IPv6. It is empty if API Gateway
// has told no address.
func networkOf(address string) string {
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return ""
	}
	ip = ip.Unmap().WithZone("")
	bits := 64
	if ip.Is4() {
		bits = 32
	}
	network, err := ip.Prefix(bits)
	if err != nil {
		return ""
	}
	return network.String()
}
