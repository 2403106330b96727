// Package route turns API Gateway's events into calls of the use cases, and
// what these return into a status and, where something went wrong, an error
// frame. It is the last place that sees an error's detail: a client gets a
// code of the closed list, the log gets the rest.
package route

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/frame"
	"github.com/sotto-chat/sotto/shared/recovery"
	"github.com/sotto-chat/sotto/shared/room"
	"github.com/sotto-chat/sotto/shared/strict"
)

// Handler is what lambda.Start takes for a route.
type Handler func(context.Context, *events.APIGatewayWebsocketProxyRequest) (events.APIGatewayProxyResponse, error)

// Router makes the handlers of the routes.
type Router struct {
	Service *room.Service
	Poster  room.Poster
	// KeySet returns the signed key set for error frames that carry it; nil
	// where no route needs it.
	KeySet func(context.Context) (string, error)
	Log    *slog.Logger
}

// done is the answer of every message route: frames go by @connections, and a
// status other than 200 would tell the client nothing.
var done = events.APIGatewayProxyResponse{StatusCode: http.StatusOK}

// Connect handles $connect. A failure refuses the connection.
func (r *Router) Connect(ctx context.Context,
	e *events.APIGatewayWebsocketProxyRequest) (events.APIGatewayProxyResponse, error) {
	if err := recovery.Call(func() error { return r.Service.Connect(ctx, call(e, "")) }); err != nil {
		r.Log.ErrorContext(ctx, "the connection was refused", "err", err, recovery.StackOf(err))
		return events.APIGatewayProxyResponse{StatusCode: http.StatusInternalServerError}, nil
	}
	return done, nil
}

// Disconnect handles $disconnect. Nobody hears of a failure; what it leaves
// expires.
func (r *Router) Disconnect(ctx context.Context,
	e *events.APIGatewayWebsocketProxyRequest) (events.APIGatewayProxyResponse, error) {
	if err := recovery.Call(func() error { return r.Service.Disconnect(ctx, call(e, "")) }); err != nil {
		r.Log.ErrorContext(ctx, "the connection's rows were not all removed", "err", err, recovery.StackOf(err))
	}
	return done, nil
}

// Default handles $default: frames that no route takes.
func (r *Router) Default(ctx context.Context,
	e *events.APIGatewayWebsocketProxyRequest) (events.APIGatewayProxyResponse, error) {
	ref, isFrame := frame.Ref([]byte(e.Body))
	refusal := chat.BadFrame
	switch {
	case len(e.Body) > chat.MaxFrame:
		refusal = chat.FrameTooLarge
	case isFrame:
		refusal = chat.UnknownAction
	}
	r.refuse(ctx, call(e, ref), refusal)
	return done, nil
}

// Handshake handles handshake, both its frames.
func (r *Router) Handshake(ctx context.Context,
	e *events.APIGatewayWebsocketProxyRequest) (events.APIGatewayProxyResponse, error) {
	return r.message(ctx, e, frame.ActionHandshake, func(ctx context.Context, c room.Call, f *frame.Request) error {
		if f.Proof != "" {
			return r.Service.Prove(ctx, c, f.Proof)
		}
		return r.Service.Begin(ctx, c, chat.User(f.User))
	})
}

// SendMessage handles sendMessage.
func (r *Router) SendMessage(ctx context.Context,
	e *events.APIGatewayWebsocketProxyRequest) (events.APIGatewayProxyResponse, error) {
	return r.message(ctx, e, frame.ActionSendMessage, func(ctx context.Context, c room.Call, f *frame.Request) error {
		return r.Service.Send(ctx, c, f.JWE)
	})
}

// History handles history.
func (r *Router) History(ctx context.Context,
	e *events.APIGatewayWebsocketProxyRequest) (events.APIGatewayProxyResponse, error) {
	return r.message(ctx, e, frame.ActionHistory, func(ctx context.Context, c room.Call, f *frame.Request) error {
		return r.Service.History(ctx, c, chat.Room(f.Room), chat.Seq(f.After), f.Limit)
	})
}

// JoinRoom handles joinRoom.
func (r *Router) JoinRoom(ctx context.Context,
	e *events.APIGatewayWebsocketProxyRequest) (events.APIGatewayProxyResponse, error) {
	return r.message(ctx, e, frame.ActionJoinRoom, func(ctx context.Context, c room.Call, f *frame.Request) error {
		return r.Service.Join(ctx, c, chat.Room(f.Room))
	})
}

// LeaveRoom handles leaveRoom.
func (r *Router) LeaveRoom(ctx context.Context,
	e *events.APIGatewayWebsocketProxyRequest) (events.APIGatewayProxyResponse, error) {
	return r.message(ctx, e, frame.ActionLeaveRoom, func(ctx context.Context, c room.Call, f *frame.Request) error {
		return r.Service.Leave(ctx, c, chat.Room(f.Room))
	})
}

// RotateKey handles rotateKey.
func (r *Router) RotateKey(ctx context.Context,
	e *events.APIGatewayWebsocketProxyRequest) (events.APIGatewayProxyResponse, error) {
	return r.message(ctx, e, frame.ActionRotateKey, func(ctx context.Context, c room.Call, f *frame.Request) error {
		return r.Service.Rotate(ctx, c, f.Proof)
	})
}

// Devices handles devices.
func (r *Router) Devices(ctx context.Context,
	e *events.APIGatewayWebsocketProxyRequest) (events.APIGatewayProxyResponse, error) {
	return r.message(ctx, e, frame.ActionDevices, func(ctx context.Context, c room.Call, _ *frame.Request) error {
		return r.Service.Devices(ctx, c)
	})
}

// RevokeDevice handles revokeDevice.
func (r *Router) RevokeDevice(ctx context.Context,
	e *events.APIGatewayWebsocketProxyRequest) (events.APIGatewayProxyResponse, error) {
	return r.message(ctx, e, frame.ActionRevokeDevice, func(ctx context.Context, c room.Call, f *frame.Request) error {
		return r.Service.Revoke(ctx, c, f.Proof)
	})
}

// Ping handles ping.
func (r *Router) Ping(ctx context.Context, e *events.APIGatewayWebsocketProxyRequest) (events.APIGatewayProxyResponse, error) {
	return r.message(ctx, e, frame.ActionPing, func(ctx context.Context, c room.Call, f *frame.Request) error {
		return r.Service.Ping(ctx, c, f.Heads)
	})
}

// Presence handles presence.
func (r *Router) Presence(ctx context.Context,
	e *events.APIGatewayWebsocketProxyRequest) (events.APIGatewayProxyResponse, error) {
	return r.message(ctx, e, frame.ActionPresence, func(ctx context.Context, c room.Call, f *frame.Request) error {
		return r.Service.Presence(ctx, c, chat.Room(f.Room))
	})
}

// Typing handles typing.
func (r *Router) Typing(ctx context.Context,
	e *events.APIGatewayWebsocketProxyRequest) (events.APIGatewayProxyResponse, error) {
	return r.message(ctx, e, frame.ActionTyping, func(ctx context.Context, c room.Call, f *frame.Request) error {
		return r.Service.Typing(ctx, c, chat.Room(f.Room))
	})
}

// Mark handles mark.
func (r *Router) Mark(ctx context.Context, e *events.APIGatewayWebsocketProxyRequest) (events.APIGatewayProxyResponse, error) {
	return r.message(ctx, e, frame.ActionMark, func(ctx context.Context, c room.Call, f *frame.Request) error {
		return r.Service.Mark(ctx, c, chat.Room(f.Room), chat.Seq(f.Delivered), chat.Seq(f.Read))
	})
}

// Deliver handles the asynchronous event that hands over a chunk of a large
// room. Lambda repeats it after an error.
func (r *Router) Deliver(ctx context.Context, chunk room.Chunk) error {
	ctx, cancel := Reserve(ctx)
	defer cancel()
	err := recovery.Call(func() error { return r.Service.Deliver(ctx, chunk) })
	if errors.Is(err, room.ErrDamaged) { // and will be at a repeat
		r.Log.ErrorContext(ctx, "an entry cannot be read", "err", err, "room", chunk.Room, "seq", chunk.Seq)
		return nil
	}
	return err
}

// message parses the frame, runs the use case, and answers with an error
// frame if it fails.
func (r *Router) message(ctx context.Context, e *events.APIGatewayWebsocketProxyRequest, action string,
	do func(context.Context, room.Call, *frame.Request) error) (events.APIGatewayProxyResponse, error) {
	c := call(e, "")
	during, cancel := Reserve(ctx)
	defer cancel()
	err := recovery.Call(func() error {
		f, ref, err := frame.Parse(action, []byte(e.Body))
		c.Ref = ref
		if err != nil {
			return err
		}
		return do(during, c, f)
	})
	if err != nil {
		r.refuse(ctx, c, err)
	}
	return done, nil
}

// LastWords is what a use case leaves of the function's time, so that a client
// whose call ran out of it is told so, and the log.
const LastWords = time.Second

// Reserve ends a use case before Lambda ends the function.
func Reserve(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, deadline.Add(-LastWords))
}

// refuse posts an error frame, and closes the connection where the protocol
// says so.
func (r *Router) refuse(ctx context.Context, c room.Call, err error) {
	refusal := visible(err)
	if refusal == chat.Internal || refusal == chat.TryAgain {
		r.Log.ErrorContext(ctx, "the call failed", "err", err, "connection", c.Connection,
			recovery.StackOf(err))
	}
	reply := frame.NewError(refusal, c.Ref)
	if refusal == chat.StaleServerKey && r.KeySet != nil {
		keyset, err := r.KeySet(ctx)
		if err != nil {
			r.Log.ErrorContext(ctx, "the key set was not to be had", "err", err)
		}
		reply.KeySet = keyset
	}
	data, err := strict.Marshal(reply)
	if err != nil {
		r.Log.ErrorContext(ctx, "the error frame was not encoded", "err", err)
		return
	}
	if err := r.Poster.Post(ctx, c.Connection, data); err != nil && !errors.Is(err, room.ErrGone) {
		r.Log.WarnContext(ctx, "the error frame was not posted", "err", err)
	}
	if refusal.Closes {
		if err := r.Poster.Close(ctx, c.Connection); err != nil {
			r.Log.WarnContext(ctx, "the connection was not closed", "err", err)
		}
	}
}

// visible picks what a client may know of an error.
func visible(err error) *chat.Error {
	var refusal *chat.Error
	switch {
	case errors.As(err, &refusal):
		return refusal
	case errors.Is(err, room.ErrBusy), errors.Is(err, context.DeadlineExceeded):
		return chat.TryAgain
	}
	return chat.Internal
}

// call says who speaks.
func call(e *events.APIGatewayWebsocketProxyRequest, ref string) room.Call {
	return room.Call{
		Connection:  chat.Connection(e.RequestContext.ConnectionID),
		ConnectedAt: time.UnixMilli(e.RequestContext.ConnectedAt),
		Ref:         ref,
	}
}
