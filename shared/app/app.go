// Package app is the composition root: it turns a configuration into the
// handler of one function. It alone names both sides of an interface, and only
// the functions import it. Each function's constructor asks for no more than
// the function uses, so that the linker leaves the rest out of its binary.
package app

import (
	"context"
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/sotto-chat/sotto/shared/config"
	"github.com/sotto-chat/sotto/shared/room"
	"github.com/sotto-chat/sotto/shared/route"
	"github.com/sotto-chat/sotto/shared/telemetry"
)

// Start runs a function for as long as its environment lives. A configuration
// that cannot be used ends the process with the reason, which Lambda logs.
func Start[Handler any](build func(config.Config, *slog.Logger) Handler) {
	c, err := config.FromEnvironment()
	log := telemetry.NewLogger(os.Stderr, c.Function)
	if err != nil {
		log.Error("the function cannot start", "err", err)
		os.Exit(1)
	}
	lambda.Start(build(c, log))
}

// Connect makes the handler of $connect.
func Connect(c config.Config, log *slog.Logger) route.Handler {
	return rowsOnly(c, log).Connect
}

// Disconnect makes the handler of $disconnect.
func Disconnect(c config.Config, log *slog.Logger) route.Handler {
	return rowsOnly(c, log).Disconnect
}

// Default makes the handler of $default.
func Default(c config.Config, log *slog.Logger) route.Handler {
	return (&route.Router{Poster: poster(c), Log: log}).Default
}

// Handshake makes the handler of handshake.
func Handshake(c config.Config, log *slog.Logger) route.Handler {
	return withKeys(c, log, nil).Handshake
}

// SendMessage makes the handler of sendMessage.
func SendMessage(c config.Config, log *slog.Logger) route.Handler {
	return withKeys(c, log, courier(c)).SendMessage
}

// Deliver makes the handler of what sendMessage hands over.
func Deliver(c config.Config, log *slog.Logger) func(context.Context, room.Chunk) error {
	return withKeys(c, log, nil).Deliver
}

// History makes the handler of history.
func History(c config.Config, log *slog.Logger) route.Handler {
	return withKeys(c, log, nil).History
}

// JoinRoom makes the handler of joinRoom.
func JoinRoom(c config.Config, log *slog.Logger) route.Handler {
	return withoutKeys(c, log).JoinRoom
}

// LeaveRoom makes the handler of leaveRoom.
func LeaveRoom(c config.Config, log *slog.Logger) route.Handler {
	return withoutKeys(c, log).LeaveRoom
}

// RotateKey makes the handler of rotateKey.
func RotateKey(c config.Config, log *slog.Logger) route.Handler {
	return withoutKeys(c, log).RotateKey
}

// Devices makes the handler of devices.
func Devices(c config.Config, log *slog.Logger) route.Handler {
	return withoutKeys(c, log).Devices
}

// RevokeDevice makes the handler of revokeDevice.
func RevokeDevice(c config.Config, log *slog.Logger) route.Handler {
	return withoutKeys(c, log).RevokeDevice
}

// Ping makes the handler of ping.
func Ping(c config.Config, log *slog.Logger) route.Handler {
	return withoutKeys(c, log).Ping
}

// Presence makes the handler of presence.
func Presence(c config.Config, log *slog.Logger) route.Handler {
	return withoutKeys(c, log).Presence
}

// Typing makes the handler of typing.
func Typing(c config.Config, log *slog.Logger) route.Handler {
	return withoutKeys(c, log).Typing
}

// Mark makes the handler of mark.
func Mark(c config.Config, log *slog.Logger) route.Handler {
	return withoutKeys(c, log).Mark
}

// RotateServerKey makes the handler of the schedule that rotates the server
// key. Lambda repeats a run that failed, and it goes on where that stopped. A
// failure to tell everybody is only logged, since a repeat would rotate again:
// who was not told learns it at the next handshake or refusal.
func RotateServerKey(c config.Config, log *slog.Logger) func(context.Context) error {
	keys := openKeyring(c)
	service := room.New(room.Options{
		Store:     rows(c),
		Keys:      keys,
		Poster:    poster(c),
		Log:       log,
		Audience:  c.Audience,
		Retention: c.Retention,
	})
	return func(ctx context.Context) error {
		if err := keys.Rotate(ctx); err != nil {
			return err
		}
		ctx, cancel := route.Reserve(ctx) // running out of time would be a failure, too
		defer cancel()
		if err := service.Announce(ctx); err != nil {
			log.ErrorContext(ctx, "the new key set was not announced to all", "err", err)
		}
		return nil
	}
}

// rowsOnly composes what posts nothing and needs no key.
func rowsOnly(c config.Config, log *slog.Logger) *route.Router {
	return &route.Router{Service: room.New(room.Options{Store: rows(c), Log: log}), Log: log}
}

// withoutKeys composes what answers and needs no private key.
func withoutKeys(c config.Config, log *slog.Logger) *route.Router {
	post := poster(c)
	service := room.New(room.Options{
		Store:     rows(c),
		Poster:    post,
		Log:       log,
		Audience:  c.Audience,
		Retention: c.Retention,
	})
	return &route.Router{Service: service, Poster: post, Log: log}
}

// withKeys composes what opens or seals with the service's keys. courier is nil
// for all that hand nothing over.
func withKeys(c config.Config, log *slog.Logger, courier room.Courier) *route.Router {
	post, keys := poster(c), openKeyring(c)
	warm(keys, log)
	service := room.New(room.Options{
		Store:     rows(c),
		Keys:      keys,
		Poster:    post,
		Courier:   courier,
		Log:       log,
		Audience:  c.Audience,
		Retention: c.Retention,
	})
	return &route.Router{Service: service, Poster: post, KeySet: keys.KeySet, Log: log}
}

// initPatience bounds the warming read. Lambda gives an init phase 10 s; what
// was not read by then is read by the first invocation.
const initPatience = 5 * time.Second

// warm reads the keys during init, where it costs the first caller nothing:
// the first DynamoDB and KMS calls dominate a cold start.
func warm(keys *keys, log *slog.Logger) {
	ctx, cancel := context.WithTimeout(context.Background(), initPatience)
	defer cancel()
	if err := keys.Warm(ctx); err != nil {
		log.Warn("the keys were not read during init", "err", err)
	}
}
