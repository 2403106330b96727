package route

import (
	"context"
	"maps"
	"slices"

	"github.com/sotto-chat/sotto/shared/frame"
	"github.com/sotto-chat/sotto/shared/room"
)

// Route keys that API Gateway predefines.
const (
	keyConnect    = "$connect"
	keyDisconnect = "$disconnect"
	keyDefault    = "$default"
)

// Keys says which of the service's private keys a route uses, and so what its
// function may do with the keys table and the master key. A test compares it
// with the policies in template.yaml.
type Keys string

const (
	NoKeys        Keys = ""          // none: the route does not use the keyring
	SessionKeys   Keys = "session"   // authenticates frames, as all below do
	HandshakeKeys Keys = "handshake" // opens secrets of sessions; reads the signed key set
	DataKeys      Keys = "data"      // opens messages at rest
	MessageKeys   Keys = "message"   // opens what clients seal; seals at rest, and opens that again
)

// Route is one row of the table of routes. Functions are compiled from one row
// each, so each row is a separate variable: what a row does not reach stays out
// of the function's binary.
type Route struct {
	// Key is the route key in the template; for frames it is the action.
	Key  string
	Keys Keys
	// UseCase handles a frame that frame.Parse has checked; $connect and
	// $disconnect have none to check and get nil.
	UseCase func(ctx context.Context, s *room.Service, c room.Call, f *frame.Request) error
}

// The routes of the API.
var (
	Connect = Route{
		Key: keyConnect,
		UseCase: func(ctx context.Context, s *room.Service, c room.Call, _ *frame.Request) error {
			return s.Connect(ctx, c)
		},
	}
	Disconnect = Route{
		Key: keyDisconnect,
		UseCase: func(ctx context.Context, s *room.Service, c room.Call, _ *frame.Request) error {
			return s.Disconnect(ctx, c)
		},
	}
	// Default has no use case: it refuses every frame that no route takes.
	Default   = Route{Key: keyDefault, Keys: SessionKeys}
	Handshake = Route{
		Key:  frame.ActionHandshake,
		Keys: HandshakeKeys,
		UseCase: func(ctx context.Context, s *room.Service, c room.Call, f *frame.Request) error {
			if f.Proof != "" {
				return s.Prove(ctx, c, f.Proof)
			}
			return s.Begin(ctx, c, f.User)
		},
	}
	SendMessage = Route{
		Key:  frame.ActionSendMessage,
		Keys: MessageKeys,
		UseCase: func(ctx context.Context, s *room.Service, c room.Call, f *frame.Request) error {
			return s.Send(ctx, c, f.JWE)
		},
	}
	History = Route{
		Key:  frame.ActionHistory,
		Keys: DataKeys,
		UseCase: func(ctx context.Context, s *room.Service, c room.Call, f *frame.Request) error {
			return s.History(ctx, c, f.Room, f.After, f.Limit)
		},
	}
	CreateRoom = Route{
		Key:  frame.ActionCreateRoom,
		Keys: SessionKeys,
		UseCase: func(ctx context.Context, s *room.Service, c room.Call, f *frame.Request) error {
			return s.CreateRoom(ctx, c, f.Room)
		},
	}
	JoinRoom = Route{
		Key:  frame.ActionJoinRoom,
		Keys: SessionKeys,
		UseCase: func(ctx context.Context, s *room.Service, c room.Call, f *frame.Request) error {
			return s.Join(ctx, c, f.Room)
		},
	}
	LeaveRoom = Route{
		Key:  frame.ActionLeaveRoom,
		Keys: SessionKeys,
		UseCase: func(ctx context.Context, s *room.Service, c room.Call, f *frame.Request) error {
			return s.Leave(ctx, c, f.Room)
		},
	}
	RotateKey = Route{
		Key:  frame.ActionRotateKey,
		Keys: SessionKeys,
		UseCase: func(ctx context.Context, s *room.Service, c room.Call, f *frame.Request) error {
			return s.Rotate(ctx, c, f.Proof)
		},
	}
	Devices = Route{
		Key:  frame.ActionDevices,
		Keys: SessionKeys,
		UseCase: func(ctx context.Context, s *room.Service, c room.Call, _ *frame.Request) error {
			return s.Devices(ctx, c)
		},
	}
	RevokeDevice = Route{
		Key:  frame.ActionRevokeDevice,
		Keys: SessionKeys,
		UseCase: func(ctx context.Context, s *room.Service, c room.Call, f *frame.Request) error {
			return s.Revoke(ctx, c, f.Proof)
		},
	}
	Ping = Route{
		Key:  frame.ActionPing,
		Keys: SessionKeys,
		UseCase: func(ctx context.Context, s *room.Service, c room.Call, f *frame.Request) error {
			return s.Ping(ctx, c, slices.Collect(maps.Keys(f.Heads)))
		},
	}
	Rooms = Route{
		Key:  frame.ActionRooms,
		Keys: DataKeys,
		UseCase: func(ctx context.Context, s *room.Service, c room.Call, f *frame.Request) error {
			return s.Rooms(ctx, c, f.Room)
		},
	}
	Presence = Route{
		Key:  frame.ActionPresence,
		Keys: SessionKeys,
		UseCase: func(ctx context.Context, s *room.Service, c room.Call, f *frame.Request) error {
			return s.Presence(ctx, c, f.Room)
		},
	}
	Typing = Route{
		Key:  frame.ActionTyping,
		Keys: SessionKeys,
		UseCase: func(ctx context.Context, s *room.Service, c room.Call, f *frame.Request) error {
			return s.Typing(ctx, c, f.Room)
		},
	}
	Mark = Route{
		Key:  frame.ActionMark,
		Keys: SessionKeys,
		UseCase: func(ctx context.Context, s *room.Service, c room.Call, f *frame.Request) error {
			return s.Mark(ctx, c, f.Room, f.Delivered, f.Read)
		},
	}
)

// All returns the table of routes, for tests and tools: a function that calls
// it contains the code of every route.
func All() []*Route {
	return []*Route{
		&Connect, &Disconnect, &Default, &Handshake, &SendMessage, &History, &CreateRoom, &JoinRoom, &LeaveRoom,
		&RotateKey, &Devices, &RevokeDevice, &Ping, &Rooms, &Presence, &Typing, &Mark,
	}
}
