package room

import (
	"context"
	"errors"
	"time"

	"github.com/sotto-chat/sotto/shared/chat"
)

// Errors of the stores. They are outcomes that the use cases act on, and none
// of them reaches a client as it is.
var (
	// ErrNotFound says that there is no such row (or that it has expired).
	ErrNotFound = errors.New("not found")
	// ErrConflict says that a condition failed: another writer was first. The
	// caller reads back what stands there and decides anew.
	ErrConflict = errors.New("a condition failed")
	// ErrThrottled says that the device has spent its window's tokens.
	ErrThrottled = errors.New("the device's rate is spent")
	// ErrBusy says that the database turned the request away for now
	// (throttling, conflicting transactions); nothing is known to have been
	// written.
	ErrBusy = errors.New("the database is busy")
)

// Connection is what is on record about one WebSocket connection. Until Bind
// it has no session.
type Connection struct {
	ID           chat.Connection
	ConnectedAt  time.Time
	Claimed      chat.User // the name its last begin gave, which only the proof can bind
	Nonce        string    // the open challenge, empty when there is none
	NonceExpires time.Time
	ProofHash    string // of the proof that bound it
	BoundNonce   string // the nonce that proof answered, for a repeated welcome
	Session      chat.Session
	User         chat.User
	Device       chat.Device
}

// Bound says whether a handshake has completed on the connection.
func (c *Connection) Bound() bool { return c.Session != "" }

// Connections keeps the rows of connections. Every read is strongly
// consistent, and rows past their expiry are not found.
type Connections interface {
	// OpenConnection writes the row of a new connection. A row that is there
	// stays as it is: the event may be delivered twice, and late.
	OpenConnection(ctx context.Context, id chat.Connection, connectedAt time.Time) error
	// Connection reads a row. Error: ErrNotFound.
	Connection(ctx context.Context, id chat.Connection) (*Connection, error)
	// OpenChallenge puts a nonce and the claimed name on the row and counts the
	// begins. Errors: ErrConflict when the connection is unknown, bound
	// already, or has had chat.MaxBegins challenges.
	OpenChallenge(ctx context.Context, id chat.Connection, claimed chat.User, nonce string, expires time.Time) error
	// SpendNonce takes the nonce off the row after a proof that failed. A
	// nonce that is not there any more is no error.
	SpendNonce(ctx context.Context, id chat.Connection, nonce string) error
	// Bind completes a handshake in one transaction: it consumes the nonce,
	// writes or checks name and device, and binds the connection. Error:
	// ErrConflict, after which nothing was written by this call.
	Bind(ctx context.Context, b Binding) error
	// ForgetConnection removes the connection's row and its entry among the
	// user's connections. What is not there is no error. Error: ErrConflict
	// when the row has another session than c: it was bound after c was read.
	ForgetConnection(ctx context.Context, c *Connection) error
	// ConnectionsOf lists the open connections of a user.
	ConnectionsOf(ctx context.Context, user chat.User) ([]UserConnection, error)
}

// UserConnection is a connection as its user's partition lists it.
type UserConnection struct {
	ID          chat.Connection
	Device      chat.Device
	ConnectedAt time.Time
}

// Binding is what a completed handshake writes.
type Binding struct {
	Connection  chat.Connection
	ConnectedAt time.Time
	Nonce       string
	ProofHash   string
	Session     chat.Session
	User        chat.User
	Device      Device
	// NewUser claims the name for this device, which is its first.
	NewUser bool
	// LinkedBy is the device that vouches for this one, which is new; it must
	// still be on record and not revoked when the transaction is made.
	LinkedBy chat.Device
	// ReplacesGen is the generation on record that Device.Gen replaces; equal
	// to Device.Gen when the pair on record stays. Unused for a new device.
	ReplacesGen int64
}

// Device is what is on record about one device of a user.
type Device struct {
	ID         chat.Device
	User       chat.User
	Key        []byte // the Ed25519 public key, 32 bytes
	Gen        int64  // the generation of Enc; the highest is the newest
	Enc        []byte // the RSA modulus of the newest encryption key, big-endian
	Spread     int64  // the generation that all of the device's listeners have at least
	AddedAt    time.Time
	LastSeenAt time.Time // the last handshake, rotation or turn of a rate's window
	Revoked    bool      // for ever: the row is a tombstone
}

// Devices keeps users' names and devices, which never expire. Reads are
// strongly consistent.
type Devices interface {
	// Owner returns the first device of a user's name. Error: ErrNotFound
	// when the name is free.
	Owner(ctx context.Context, user chat.User) (chat.Device, error)
	// Device reads a device's row. Error: ErrNotFound.
	Device(ctx context.Context, user chat.User, device chat.Device) (*Device, error)
	// DevicesOf lists a user's devices, the revoked ones among them.
	DevicesOf(ctx context.Context, user chat.User) ([]Device, error)
	// Revoke makes a device's row a tombstone, on behalf of another device of
	// the user; a repeat is no error. Errors: ErrNotFound when the device is
	// not on record; ErrConflict when the other is not, or is revoked itself.
	Revoke(ctx context.Context, user chat.User, device, by chat.Device, now time.Time) error
	// Admit spends one token of the device's rate and returns the row as it
	// stands then, in one conditional write (two when the window turns). A
	// revoked device is returned without spending. Errors: ErrThrottled,
	// ErrNotFound.
	Admit(ctx context.Context, user chat.User, device chat.Device, now time.Time) (*Device, error)
	// ReplaceKey makes d.Enc the newest encryption key under d.Gen. Error:
	// ErrConflict unless generation d.Gen-1 is on record and not revoked.
	ReplaceKey(ctx context.Context, d *Device) error
	// MarkSpread notes that every listener of the device has the generation
	// gen at least. A higher mark stays.
	MarkSpread(ctx context.Context, user chat.User, device chat.Device, gen int64) error
}

// Meta is what is on record about a room itself.
type Meta struct {
	Room  chat.Room
	Epoch chat.Epoch
	// Ceiling is at least the highest seq ever appended, so that seqs never
	// restart when every message of the log has expired. It is raised in
	// steps, in the transaction that appends the first seq above it.
	Ceiling chat.Seq
}

// Rooms keeps rooms and their members. Reads are strongly consistent.
type Rooms interface {
	// Room reads a room. Error: ErrNotFound.
	Room(ctx context.Context, room chat.Room) (*Meta, error)
	// CreateRoom creates a room unless it is there, and returns the one that
	// is there then: of several concurrent creations one wins.
	CreateRoom(ctx context.Context, room chat.Room, epoch chat.Epoch, now time.Time) (*Meta, error)
	// AddMember and RemoveMember keep a user's membership; repeats are no
	// error.
	AddMember(ctx context.Context, room chat.Room, user chat.User, now time.Time) error
	RemoveMember(ctx context.Context, room chat.Room, user chat.User) error
	// IsMember says whether the user is a member of the room. Everybody is one
	// of chat.Lobby without a row; the store is not asked.
	IsMember(ctx context.Context, room chat.Room, user chat.User) (bool, error)
	// RoomsOf lists the user's rooms other than chat.Lobby, sorted.
	RoomsOf(ctx context.Context, user chat.User) ([]chat.Room, error)
}

// Listener is one connection that hears a room, with its device's newest
// encryption key in the same row, so that a fan-out costs one query.
type Listener struct {
	Connection  chat.Connection
	ConnectedAt time.Time
	User        chat.User
	Device      chat.Device
	Gen         int64
	Enc         []byte // RSA modulus, big-endian
}

// Listeners keeps who hears a room now.
type Listeners interface {
	// Listen writes a listener's row, unless the row has a newer generation.
	Listen(ctx context.Context, room chat.Room, l Listener) error
	// Unlisten removes exactly one row; what is not there is no error.
	Unlisten(ctx context.Context, room chat.Room, id chat.Connection) error
	// Listeners lists the room's listeners in the order of their connections'
	// ids, strongly consistent.
	Listeners(ctx context.Context, room chat.Room) ([]Listener, error)
	// FirstListeners lists those among the first n rows, likewise, and says
	// whether the room has more rows: it reads no more than it needs to know.
	FirstListeners(ctx context.Context, room chat.Room, n int) (found []Listener, more bool, err error)
	// ListenersIn lists those from first to last, both included, likewise.
	ListenersIn(ctx context.Context, room chat.Room, first, last chat.Connection) ([]Listener, error)
}

// Entry is one message in a room's log. Sealed is the sender's token,
// encrypted at rest under DataKey with the other fields as additional data.
type Entry struct {
	Room      chat.Room
	Epoch     chat.Epoch
	Seq       chat.Seq
	ID        chat.MessageID
	User      chat.User
	Device    chat.Device
	SenderKey []byte // the sender's Ed25519 public key
	StoredAt  time.Time
	Expires   time.Time // never before that of the preceding entry
	DataKey   string
	Sealed    []byte
}

// Tail is the newest entry that the log still has.
type Tail struct {
	Seq     chat.Seq // 0 when the log is empty
	Expires time.Time
}

// Times are when an entry was stored and when the database may delete it.
type Times struct{ StoredAt, Expires time.Time }

// Log keeps rooms' messages. Reads are strongly consistent.
type Log interface {
	// Append stores an entry in one transaction: its seq's slot must be free
	// and its id new to (room, user, device). With raise > 0 the same
	// transaction raises the room's ceiling. Errors: *DuplicateError when the
	// id is in the log already; ErrConflict when the slot is taken or the
	// ceiling is not below raise in that epoch.
	Append(ctx context.Context, e *Entry, raise chat.Seq) error
	// Tail returns the newest entry's place.
	Tail(ctx context.Context, room chat.Room, epoch chat.Epoch) (Tail, error)
	// Entry reads one entry. Error: ErrNotFound.
	Entry(ctx context.Context, room chat.Room, epoch chat.Epoch, seq chat.Seq) (*Entry, error)
	// Times reads the times of one entry alone. Error: ErrNotFound.
	Times(ctx context.Context, room chat.Room, epoch chat.Epoch, seq chat.Seq) (Times, error)
	// First returns the lowest seq that the log still has, 0 when it is empty.
	First(ctx context.Context, room chat.Room, epoch chat.Epoch) (chat.Seq, error)
	// Read returns up to limit entries with seq > after, in order.
	Read(ctx context.Context, room chat.Room, epoch chat.Epoch, after chat.Seq, limit int) ([]Entry, error)
}

// DuplicateError says that an id is in the log already, where, and since when.
type DuplicateError struct {
	Seq      chat.Seq
	StoredAt time.Time
}

func (e *DuplicateError) Error() string { return "the message is in the log already" }

// Store is all of the stores at once, as a composing package has them.
type Store interface {
	Connections
	Devices
	Rooms
	Listeners
	Log
}
