package frame

import (
	"github.com/go-json-experiment/json/jsontext"

	"github.com/sotto-chat/sotto/shared/chat"
)

// Version is the protocol version that key sets, begins, challenges, proofs and
// welcomes carry.
const Version = 2

// Types of the service's frames (protocol §3). A frame without a type is API
// Gateway's own error and means chat.TryAgain.
const (
	TypeChallenge = "challenge"
	TypeWelcome   = "welcome"
	TypeMessage   = "message"
	TypeAck       = "ack"
	TypeHistory   = "history"
	TypeCreated   = "created"
	TypeJoined    = "joined"
	TypeLeft      = "left"
	TypeServerKey = "serverKey"
	TypeRotated   = "rotated"
	TypeDevices   = "devices"
	TypeRevoked   = "revoked"
	TypePong      = "pong"
	TypePresence  = "presence"
	TypeTyping    = "typing"
	TypeMark      = "mark"
	TypeRooms     = "rooms"
	TypeInvited   = "invited"
	TypeRemoved   = "removed"
	TypeError     = "error"
)

// Challenge answers a handshake's begin.
type Challenge struct {
	Type   string `json:"type"`
	Ref    string `json:"ref,omitzero"`
	V      int    `json:"v"`
	Nonce  string `json:"nonce"`
	KeySet string `json:"keyset"`
}

// Welcome answers a handshake's proof; its token holds a [WelcomePlain].
type Welcome struct {
	Type string `json:"type"`
	Ref  string `json:"ref,omitzero"`
	JWE  string `json:"jwe"`
}

// RoomState is the state of a room's log.
type RoomState struct {
	Room  chat.Room  `json:"room"`
	Epoch chat.Epoch `json:"epoch"`
	Head  chat.Seq   `json:"head"`
	Floor chat.Seq   `json:"floor"`
}

// WelcomePlain is the plaintext of a welcome, which only the device can read.
type WelcomePlain struct {
	V      int          `json:"v"`
	Nonce  string       `json:"nonce"`
	SID    chat.Session `json:"sid"`
	User   chat.User    `json:"user"`
	Device chat.Device  `json:"device"`
	At     int64        `json:"at"` // the service's time, Unix ms
	Rooms  []RoomState  `json:"rooms"`
}

// Message delivers one message; its token holds a [MessagePlain].
type Message struct {
	Type  string     `json:"type"`
	Room  chat.Room  `json:"room"`
	Epoch chat.Epoch `json:"epoch"`
	Seq   chat.Seq   `json:"seq"`
	JWE   string     `json:"jwe"`
}

// MessagePlain is the plaintext of a message, which only the recipient's device
// can read. JWS is the sender's token, which the recipient verifies with JWK.
type MessagePlain struct {
	Room     chat.Room      `json:"room"`
	Epoch    chat.Epoch     `json:"epoch"`
	Seq      chat.Seq       `json:"seq"`
	ID       chat.MessageID `json:"id"`
	From     chat.User      `json:"from"`
	Device   chat.Device    `json:"device"`
	StoredAt int64          `json:"storedAt"` // Unix ms
	JWK      jsontext.Value `json:"jwk"`
	JWS      string         `json:"jws"`
}

// Ack confirms that a message is stored in its room's log.
type Ack struct {
	Type      string         `json:"type"`
	Ref       string         `json:"ref,omitzero"`
	ID        chat.MessageID `json:"id"`
	Room      chat.Room      `json:"room"`
	Epoch     chat.Epoch     `json:"epoch"`
	Seq       chat.Seq       `json:"seq"`
	StoredAt  int64          `json:"storedAt"` // Unix ms
	Duplicate bool           `json:"duplicate"`
}

// History is one page of a room's log, From to To inclusive. The page is empty
// if From > To. Its token has a [HistoryPlain]; an empty page has no token.
type History struct {
	Type  string     `json:"type"`
	Ref   string     `json:"ref,omitzero"`
	Room  chat.Room  `json:"room"`
	Epoch chat.Epoch `json:"epoch"`
	From  chat.Seq   `json:"from"`
	To    chat.Seq   `json:"to"`
	Head  chat.Seq   `json:"head"`
	Floor chat.Seq   `json:"floor"`
	More  bool       `json:"more"`
	JWE   string     `json:"jwe,omitzero"`
}

// HistoryPlain is a page's plaintext.
type HistoryPlain struct {
	Room     chat.Room      `json:"room"`
	Epoch    chat.Epoch     `json:"epoch"`
	Messages []MessagePlain `json:"messages"`
}

// Created answers createRoom. The client then joins the room.
type Created struct {
	Type string    `json:"type"`
	Ref  string    `json:"ref,omitzero"`
	Room chat.Room `json:"room"`
}

// Joined answers joinRoom.
type Joined struct {
	Type string `json:"type"`
	Ref  string `json:"ref,omitzero"`
	RoomState
}

// Left answers leaveRoom.
type Left struct {
	Type string    `json:"type"`
	Ref  string    `json:"ref,omitzero"`
	Room chat.Room `json:"room"`
}

// Push is the part that all pushes but messages have: frames that answer no
// request. A client handles each N once, and only within chat.PushWindow of At.
type Push struct {
	N  string `json:"n"`  // 64 random bits
	At int64  `json:"at"` // the service's time, Unix ms
}

// Rooms answers rooms; its token holds a [RoomsPlain].
type Rooms struct {
	Type string `json:"type"`
	Ref  string `json:"ref,omitzero"`
	JWE  string `json:"jwe"`
}

// RoomsPlain has the closed rooms that the user is in, or one room with its
// members and open invitations, and the invitations to the user.
type RoomsPlain struct {
	Rooms       []RoomInfo   `json:"rooms"`
	Invitations []Invitation `json:"invitations"`
}

// RoomInfo is what members of a closed room know about it.
type RoomInfo struct {
	Room    chat.Room        `json:"room"`
	Name    chat.RoomName    `json:"name"`
	History chat.HistoryRule `json:"history"`
	Role    chat.Role        `json:"role"` // of the user
	From    chat.Seq         `json:"from"` // the first seq that the user may read
	// Members and Invited are present if the request named the room.
	Members []RoomMember `json:"members,omitzero"`
	Invited []chat.User  `json:"invited,omitzero"`
}

// RoomMember is a member of a closed room.
type RoomMember struct {
	User chat.User `json:"user"`
	Role chat.Role `json:"role"`
}

// Invitation is an open invitation to the user.
type Invitation struct {
	Room chat.Room     `json:"room"`
	Name chat.RoomName `json:"name"`
	By   chat.User     `json:"by"`
	At   int64         `json:"at"` // Unix ms
}

// Invited tells the connections of a user that there is an invitation. The
// answer to rooms says more.
type Invited struct {
	Type string `json:"type"`
	Push
	Room chat.Room `json:"room"`
}

// Removed tells the connections of a user that the user was removed from a
// closed room, or has left it on another connection.
type Removed struct {
	Type string `json:"type"`
	Push
	Room chat.Room `json:"room"`
}

// ServerKey posts a new key set to connected clients.
type ServerKey struct {
	Type string `json:"type"`
	Push
	KeySet string `json:"keyset"`
}

// Rotated answers rotateKey; its token, to the new key, holds a [RotatedPlain].
type Rotated struct {
	Type string `json:"type"`
	Ref  string `json:"ref,omitzero"`
	Gen  int64  `json:"gen"`
	JWE  string `json:"jwe"`
}

// RotatedPlain is the plaintext of rotated, which only the holder of the new
// decryption key can read.
type RotatedPlain struct {
	SID chat.Session `json:"sid"`
	Gen int64        `json:"gen"`
}

// DeviceState is one of the user's own devices.
type DeviceState struct {
	Device     chat.Device `json:"device"`
	AddedAt    int64       `json:"addedAt"`    // Unix ms
	LastSeenAt int64       `json:"lastSeenAt"` // Unix ms
	Revoked    bool        `json:"revoked"`
	Current    bool        `json:"current"` // the caller's device
}

// Devices answers devices: the devices in use, then the revoked ones, the
// newest first in both groups.
type Devices struct {
	Type    string        `json:"type"`
	Ref     string        `json:"ref,omitzero"`
	Devices []DeviceState `json:"devices"`
}

// Revoked answers revokeDevice.
type Revoked struct {
	Type   string      `json:"type"`
	Ref    string      `json:"ref,omitzero"`
	Device chat.Device `json:"device"`
}

// Head is a room's epoch and last seq, in a pong.
type Head struct {
	Epoch chat.Epoch `json:"epoch"`
	Head  chat.Seq   `json:"head"`
}

// Pong answers ping.
type Pong struct {
	Type  string             `json:"type"`
	Ref   string             `json:"ref,omitzero"`
	At    int64              `json:"at"` // the service's time, Unix ms
	Heads map[chat.Room]Head `json:"heads"`
}

// Presence answers presence with the users who are connected to the room,
// sorted. More means that there may be others.
type Presence struct {
	Type  string      `json:"type"`
	Ref   string      `json:"ref,omitzero"`
	Room  chat.Room   `json:"room"`
	Users []chat.User `json:"users"`
	More  bool        `json:"more"`
}

// Typing means that a user is writing in a room.
type Typing struct {
	Type string `json:"type"`
	Push
	Room chat.Room `json:"room"`
	User chat.User `json:"user"`
}

// Mark has the highest seq of a room that a user's client has received, and the
// highest that was on the screen.
type Mark struct {
	Type string `json:"type"`
	Push
	Room      chat.Room `json:"room"`
	User      chat.User `json:"user"`
	Delivered chat.Seq  `json:"delivered"`
	Read      chat.Seq  `json:"read"`
}

// Error is a chat.Error on the wire. It has a KeySet with stale_server_key.
type Error struct {
	Type    string    `json:"type"`
	Ref     string    `json:"ref,omitzero"`
	Code    chat.Code `json:"code"`
	Message string    `json:"message"`
	Retry   bool      `json:"retry"`
	KeySet  string    `json:"keyset,omitzero"`
}

// NewError returns the frame of e.
func NewError(e *chat.Error, ref string) Error {
	return Error{Type: TypeError, Ref: ref, Code: e.Code(), Message: e.Message(), Retry: e.Retry()}
}
