// Package app is the composition root: it turns a configuration into the
// handler of one function. It is the only package that knows both sides of each
// interface, and only the functions import it. Each function is composed of no
// more than it uses, so that the linker leaves the rest out of its binary.
package app

import (
	"context"
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/sotto-chat/sotto/shared/config"
	"github.com/sotto-chat/sotto/shared/room"
	"github.com/sotto-chat/sotto/shared/route"
	"github.com/sotto-chat/sotto/shared/telemetry"
)

// Start runs a function until its instance ends. An invalid configuration ends
// the process; Lambda logs the reason.
func Start[Handler any](build func(config.Config, *slog.Logger) Handler) {
	c, err := config.FromEnvironment()
	log := telemetry.NewLogger(os.Stderr, c.Function)
	if err != nil {
		log.Error("invalid configuration", "err", err)
		os.Exit(1)
	}
	lambda.Start(build(c, log))
}

// Function is the function of one route: a row of the table of routes, and what
// its use case is composed of.
type Function struct {
	route   *route.Route
	compose func(config.Config, *slog.Logger) *route.Router
}

// Handler makes the function's handler, for Start.
func (f Function) Handler(c config.Config, log *slog.Logger) route.Handler {
	return f.compose(c, log).Handler(f.route)
}

// The functions of the routes.
var (
	Connect      = Function{&route.Connect, withRows}
	Disconnect   = Function{&route.Disconnect, withRows}
	Default      = Function{&route.Default, withSessions}
	Handshake    = Function{&route.Handshake, withKeyMaker}
	SendMessage  = Function{&route.SendMessage, withCourier}
	History      = Function{&route.History, withKeys}
	CreateRoom   = Function{&route.CreateRoom, withSessions}
	JoinRoom     = Function{&route.JoinRoom, withSessions}
	LeaveRoom    = Function{&route.LeaveRoom, withSessions}
	RotateKey    = Function{&route.RotateKey, withSessions}
	Devices      = Function{&route.Devices, withSessions}
	RevokeDevice = Function{&route.RevokeDevice, withSessions}
	Ping         = Function{&route.Ping, withSessions}
	Rooms        = Function{&route.Rooms, withKeys}
	Presence     = Function{&route.Presence, withSessions}
	Typing       = Function{&route.Typing, withSessions}
	Mark         = Function{&route.Mark, withSessions}
)

// Deliver makes the handler of the chunks that sendMessage hands over.
func Deliver(c config.Config, log *slog.Logger) func(context.Context, room.Chunk) error {
	return withKeys(c, log).Deliver
}

// rotation is the event of rotateServerKey. The schedule's event and an empty
// one rotate.
type rotation struct {
	// OnlyMissing makes missing keys and does not rotate.
	OnlyMissing bool `json:"onlyMissing"`
}

// RotateServerKey makes the handler of the function that makes the service's
// keys: the first ones for a deployment, and the next server key on a schedule.
// Lambda retries an invocation of the schedule that failed, and the retry
// continues where the first stopped. A failure to announce the new key set is
// only logged, since a retry would rotate again: clients that missed the
// announcement learn of the key set at their next handshake or refusal.
func RotateServerKey(c config.Config, log *slog.Logger) func(context.Context, rotation) error {
	keys := openKeyring(c, nil)
	service := room.New(room.Options{
		Store:     rows(c),
		Keys:      keys,
		Poster:    poster(c),
		Log:       log,
		Audience:  c.Audience,
		Retention: c.Retention,
	})
	return func(ctx context.Context, event rotation) error {
		if event.OnlyMissing {
			return keys.Ensure(ctx)
		}
		if err := keys.Rotate(ctx); err != nil {
			return err
		}
		ctx, cancel := route.Reserve(ctx) // a timeout of the function would be a failure, too
		defer cancel()
		if err := service.Announce(ctx); err != nil {
			log.ErrorContext(ctx, "failed to announce the new key set", "err", err)
		}
		return nil
	}
}

// withRows composes a router that reads and writes rows and posts nothing.
func withRows(c config.Config, log *slog.Logger) *route.Router {
	return &route.Router{Service: room.New(room.Options{Store: rows(c), Log: log}), Log: log}
}

// withSessions composes a router that reads and writes rows, posts frames, and
// uses no key but those of sessions, which it reads when it needs them.
func withSessions(c config.Config, log *slog.Logger) *route.Router {
	post := poster(c)
	service := room.New(room.Options{
		Store:     rows(c),
		Keys:      openKeyring(c, nil),
		Poster:    post,
		Log:       log,
		Audience:  c.Audience,
		Retention: c.Retention,
	})
	return &route.Router{Service: service, Poster: post, Log: log}
}

// withKeys composes a router that also has the service's keys.
func withKeys(c config.Config, log *slog.Logger) *route.Router {
	return compose(c, log, nil, nil)
}

// withKeyMaker composes a router that also has missing keys made.
func withKeyMaker(c config.Config, log *slog.Logger) *route.Router {
	return compose(c, log, nil, keyMaker(c))
}

// withCourier composes a router that also hands over chunks of large rooms.
func withCourier(c config.Config, log *slog.Logger) *route.Router {
	return compose(c, log, courier(c), nil)
}

func compose(c config.Config, log *slog.Logger, courier room.Courier,
	maker func(context.Context) error) *route.Router {
	post, keys := poster(c), openKeyring(c, maker)
	warm(keys, log)
	service := room.New(room.Options{
		Store:     rows(c),
		Keys:      keys,
		Poster:    post,
		Courier:   courier,
		Log:       log,
		Audience:  c.Audience,
		Retention: c.Retention,

		Registrations: c.Registrations,
	})
	return &route.Router{Service: service, Poster: post, KeySet: keys.KeySet, Log: log}
}
