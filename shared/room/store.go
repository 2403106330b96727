package room

import (
	"context"
	"errors"
	"time"

	"github.com/sotto-chat/sotto/shared/chat"
)

// Errors of the stores. The use cases handle them; none of them reaches a
// client.
var (
	// ErrNotFound means that a row does not exist or has expired.
	ErrNotFound = errors.New("not found")
	// ErrConflict means that a condition failed: another writer was first. The
	// caller reads again and decides again.
	ErrConflict = errors.New("a condition failed")
	// ErrThrottled means that a token bucket has too few tokens.
	ErrThrottled = errors.New("the rate is spent")
	// ErrBusy means that the database refused the request for now, because of
	// throttling or a conflicting transaction. It may or may not have been
	// written.
	ErrBusy = errors.New("the database is busy")
)

// Connection is the row of one WebSocket connection. It has no session before
// Bind.
type Connection struct {
	ID           chat.Connection
	ConnectedAt  time.Time
	Claimed      chat.User // the name of its last begin, which no proof has confirmed
	Nonce        string    // the open challenge, empty if there is none
	NonceExpires time.Time
	ProofHash    string // of the proof that bound it, base64url of SHA-256
	BoundNonce   string // the nonce of that proof, for a repeated welcome
	Welcomed     bool   // its listeners are written, so a repeated welcome writes nothing
	Session      chat.Session
	User         chat.User
	Device       chat.Device
	ToService    []byte // the MAC keys of the session, wrapped by the keyring
	ToClient     []byte
}

// Bound reports whether a handshake has completed on the connection.
func (c *Connection) Bound() bool { return c.Session != "" }

// Connections stores the rows of connections. Reads are strongly consistent,
// and expired rows are not found.
type Connections interface {
	// OpenConnection writes the row of a new connection. It leaves an existing
	// row unchanged: the event may be delivered twice and late.
	OpenConnection(ctx context.Context, id chat.Connection, connectedAt time.Time) error
	// Connection reads a row. Error: ErrNotFound.
	Connection(ctx context.Context, id chat.Connection) (*Connection, error)
	// OpenChallenge writes a nonce and the claimed name into the row and counts
	// the begins. Error: ErrConflict if the connection is unknown, bound, or
	// has had chat.MaxBegins challenges.
	OpenChallenge(ctx context.Context, id chat.Connection, claimed chat.User, nonce string, expires time.Time) error
	// SpendNonce removes the nonce from the row after a proof has failed. It is
	// no error if the row has another nonce or none.
	SpendNonce(ctx context.Context, id chat.Connection, nonce string) error
	// Bind completes a handshake in one transaction: it consumes the nonce,
	// writes or checks name and device, and binds the connection. Error:
	// ErrConflict; the call has then written nothing.
	Bind(ctx context.Context, b Binding) error
	// MarkWelcomed records that the connection's listeners are written. Error:
	// ErrConflict if the row is gone or has another session.
	MarkWelcomed(ctx context.Context, id chat.Connection, session chat.Session) error
	// RemoveConnection removes the connection's row and its entry among the
	// user's connections, as far as they exist. Error: ErrConflict if the row
	// has another session than c: it was bound after c was read.
	RemoveConnection(ctx context.Context, c *Connection) error
	// ConnectionsOf lists the open connections of a user.
	ConnectionsOf(ctx context.Context, user chat.User) ([]UserConnection, error)
}

// UserConnection is a connection in the list of its user.
type UserConnection struct {
	ID          chat.Connection
	Device      chat.Device
	ConnectedAt time.Time
	ToClient    []byte // as in Connection
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
	ToService   []byte // as in Connection
	ToClient    []byte
	// NewUser claims the name for this device, which is its first.
	NewUser bool
	// LinkedBy is the device that has linked this one, which is new. The
	// transaction requires that it is on record and not revoked.
	LinkedBy chat.Device
	// ReplacesGen is the generation on record that Device.Gen replaces. It
	// equals Device.Gen if the key stays the same. It is unused for a new
	// device.
	ReplacesGen int64
}

// Device is the row of one device of a user.
type Device struct {
	ID         chat.Device
	User       chat.User
	Key        []byte // the Ed25519 public key, 32 bytes
	Gen        int64  // the generation of Enc; the highest is the newest
	Enc        []byte // the RSA modulus of the newest encryption key, big-endian
	Propagated int64  // all listeners of the device have this generation or a later one
	AddedAt    time.Time
	LastSeenAt time.Time // the last frame, handshake or rotation
	Revoked    bool      // for ever: the row is a tombstone
}

// Devices stores users' names and devices, which never expire. Reads are
// strongly consistent.
type Devices interface {
	// Owner returns the first device of a user's name. Error: ErrNotFound if
	// the name is free.
	Owner(ctx context.Context, user chat.User) (chat.Device, error)
	// Device reads a device's row. Error: ErrNotFound.
	Device(ctx context.Context, user chat.User, device chat.Device) (*Device, error)
	// DevicesOf lists a user's devices, the revoked ones among them.
	DevicesOf(ctx context.Context, user chat.User) ([]Device, error)
	// Revoke makes a device's row a tombstone, on behalf of another device of
	// the user. It may be repeated. Errors: ErrNotFound if the device is not on
	// record; ErrConflict if the other is not on record or is revoked.
	Revoke(ctx context.Context, user chat.User, device, by chat.Device, now time.Time) error
	// Admit spends one token of the device's rate and returns the row after
	// that, in one conditional write (two while the bucket is not full). A
	// revoked device is returned without spending. Errors: ErrThrottled,
	// ErrNotFound; ErrBusy as of Rates.Spend.
	Admit(ctx context.Context, user chat.User, device chat.Device, now time.Time) (*Device, error)
	// ReplaceKey makes d.Enc the newest encryption key under d.Gen. Error:
	// ErrConflict unless generation d.Gen-1 is on record and not revoked.
	ReplaceKey(ctx context.Context, d *Device) error
	// MarkPropagated records that every listener of the device has the
	// generation gen or a later one. It never lowers the mark.
	MarkPropagated(ctx context.Context, user chat.User, device chat.Device, gen int64) error
}

// Meta is the row of a room.
type Meta struct {
	Room    chat.Room
	Epoch   chat.Epoch
	Creator chat.User // of an open room; empty for the lobby
	// Settings are those of a closed room, encrypted under DataKey; both are
	// empty for an open room.
	DataKey  string
	Settings []byte
	// Ceiling is the highest seq ever appended or a higher number, so that seqs
	// do not restart after every message of the log has expired. It is raised
	// in steps, in the transaction that appends the first seq above it.
	Ceiling chat.Seq
}

// Rooms stores rooms and their members. Reads are strongly consistent.
type Rooms interface {
	// Room reads a room. Error: ErrNotFound.
	Room(ctx context.Context, room chat.Room) (*Meta, error)
	// CreateRoom creates an open room unless it exists, and returns the
	// existing one: one of several concurrent creations wins.
	CreateRoom(ctx context.Context, meta *Meta, now time.Time) (*Meta, error)
	// AddMember and RemoveMember write a user's membership of an open room.
	// Both may be repeated.
	AddMember(ctx context.Context, room chat.Room, user chat.User, now time.Time) error
	RemoveMember(ctx context.Context, room chat.Room, user chat.User) error
	// IsMember reports whether the user is a member of the room. It is not
	// called for chat.Lobby, of which every user is a member without a row.
	IsMember(ctx context.Context, room chat.Room, user chat.User) (bool, error)
	// RoomsOf lists the user's rooms other than chat.Lobby, sorted, the closed
	// ones among them.
	RoomsOf(ctx context.Context, user chat.User) ([]chat.Room, error)
}

// Member is a user's membership of a closed room.
type Member struct {
	Room chat.Room
	User chat.User
	Role chat.Role
	From chat.Seq // the first seq that the user may read
	// Since is the seq of the entry that made the user a member.
	Since chat.Seq
}

// Invitation is an open invitation of a user to a closed room.
type Invitation struct {
	Room    chat.Room
	User    chat.User
	By      chat.User
	At      time.Time
	Expires time.Time
}

// Members stores the members of closed rooms and the invitations to them. They
// are written by [Log.Append], as part of the entry that changes them. Reads
// are strongly consistent, and expired invitations are not found.
type Members interface {
	// Member reads a membership. Error: ErrNotFound.
	Member(ctx context.Context, room chat.Room, user chat.User) (*Member, error)
	// MembersOf lists the members of a room and the open invitations to it,
	// each sorted by user.
	MembersOf(ctx context.Context, room chat.Room) ([]Member, []Invitation, error)
	// Invitation reads an invitation. Error: ErrNotFound.
	Invitation(ctx context.Context, room chat.Room, user chat.User) (*Invitation, error)
	// InvitationsTo lists the invitations of a user.
	InvitationsTo(ctx context.Context, user chat.User) ([]Invitation, error)
}

// Change is what an operation changes in a closed room beside its log. All of
// its fields but those that are set are left as they are.
type Change struct {
	Create   *Meta       // a new room, whose first entry this is
	Add      *Member     // a new member; the user's invitation ends
	Set      *Member     // a member who gets another role
	Invite   *Invitation // a new invitation, or one that begins again
	Again    bool        // Invite begins an open invitation again
	Uninvite chat.User   // the user whose invitation ends
	// Remove is a user who is a member no longer. The same transaction makes
	// the store leave out the user's listeners, so that no later delivery finds
	// them.
	Remove chat.User
}

// Listener is a connection that is subscribed to a room. Its row has the
// device's newest encryption key and the session's wrapped MAC key, so that a
// delivery costs one query.
type Listener struct {
	Connection  chat.Connection
	ConnectedAt time.Time
	User        chat.User
	Device      chat.Device
	Gen         int64
	Enc         []byte   // RSA modulus, big-endian
	ToClient    []byte   // as in Connection, so that a delivery reads no more
	From        chat.Seq // the first seq that the user may read; 0 in open rooms
	Since       chat.Seq // as in Member; 0 in open rooms
}

// Listeners stores the listeners of rooms. Lists leave out the listeners of
// users who were removed from the room, and those of an earlier membership of
// users who are back.
type Listeners interface {
	// AddListener writes a listener, unless the stored one has a newer
	// generation.
	AddListener(ctx context.Context, room chat.Room, l Listener) error
	// RemoveListener removes exactly one listener, if it exists.
	RemoveListener(ctx context.Context, room chat.Room, id chat.Connection) error
	// Listeners lists the room's listeners in the order of their connections'
	// ids. The read is strongly consistent.
	Listeners(ctx context.Context, room chat.Room) ([]Listener, error)
	// FirstListeners does the same for the first n rows, and reports whether
	// the room has more. It reads no more than one row beyond them.
	FirstListeners(ctx context.Context, room chat.Room, n int) (found []Listener, more bool, err error)
	// ListenersIn does the same for the ids from first to last, both included.
	ListenersIn(ctx context.Context, room chat.Room, first, last chat.Connection) ([]Listener, error)
}

// Entry is one message in a room's log. Sealed is the sender's token, encrypted
// under DataKey with the other fields as additional data.
type Entry struct {
	Room      chat.Room
	Epoch     chat.Epoch
	Seq       chat.Seq
	ID        chat.MessageID
	User      chat.User
	Device    chat.Device
	SenderKey []byte // the sender's Ed25519 public key
	StoredAt  time.Time
	Expires   time.Time // not before that of the preceding entry
	DataKey   string
	Sealed    []byte
}

// Tail is the place of the newest entry that the log still has.
type Tail struct {
	Seq     chat.Seq // 0 if the log is empty
	Expires time.Time
}

// Times are the time when an entry was stored and the time from which the
// database may delete it.
type Times struct{ StoredAt, Expires time.Time }

// Log stores rooms' messages. Reads are strongly consistent.
type Log interface {
	// Append stores an entry in one transaction, which requires that its seq is
	// free and its id new to (room, user, device). With raise > 0 the same
	// transaction raises the room's ceiling. Errors: *DuplicateError if the log
	// has the id already; ErrConflict if the seq is taken or the ceiling of
	// that epoch is not below raise. A change is written in the same
	// transaction; with change.Create the room must not exist, and raise is its
	// ceiling.
	Append(ctx context.Context, e *Entry, raise chat.Seq, change *Change) error
	// Appended reports the place of the entry that has e's id, epoch, user and
	// device. Error: ErrNotFound.
	Appended(ctx context.Context, e *Entry) (*DuplicateError, error)
	// MarkRepeated marks the id of a stored entry as repeated, and reports
	// whether it was not marked before. Error: ErrNotFound if the log does not
	// have the id.
	MarkRepeated(ctx context.Context, e *Entry) (first bool, err error)
	// Tail returns the newest entry's place.
	Tail(ctx context.Context, room chat.Room, epoch chat.Epoch) (Tail, error)
	// Entry reads one entry. Error: ErrNotFound.
	Entry(ctx context.Context, room chat.Room, epoch chat.Epoch, seq chat.Seq) (*Entry, error)
	// Times reads only the times of one entry. Error: ErrNotFound.
	Times(ctx context.Context, room chat.Room, epoch chat.Epoch, seq chat.Seq) (Times, error)
	// First returns the lowest seq that the log still has, 0 if it is empty.
	First(ctx context.Context, room chat.Room, epoch chat.Epoch) (chat.Seq, error)
	// Read returns up to limit entries with seq > after, in order.
	Read(ctx context.Context, room chat.Room, epoch chat.Epoch, after chat.Seq, limit int) ([]Entry, error)
}

// DuplicateError means that the log has an id already, at Seq since StoredAt.
type DuplicateError struct {
	Seq      chat.Seq
	StoredAt time.Time
}

func (e *DuplicateError) Error() string { return "the message is in the log already" }

// Store is all stores together.
type Store interface {
	Connections
	Devices
	Rooms
	Members
	Listeners
	Log
	Rates
}
