package device

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/envelope"
	"github.com/sotto-chat/sotto/shared/frame"
	"github.com/sotto-chat/sotto/shared/strict"
)

// Message is a message as its recipient sees it.
type Message struct {
	Room  chat.Room
	Epoch chat.Epoch
	Seq   chat.Seq

	ID       chat.MessageID
	From     chat.User
	Device   chat.Device // of the sender
	StoredAt time.Time   // by the service's clock, in milliseconds
	Body     string      // as the sender signed it: any UTF-8, control characters too

	// Operation is set if the entry is an operation on a closed room, and not a
	// text. Body is empty then.
	Operation *Operation

	// NewDevice means that this is the first message from this device, and that
	// other devices of the user were known before: someone else may use the
	// name.
	NewDevice bool

	// Evidence names the keys that protected the message.
	Evidence Evidence

	// Problem, if not nil, is the reason why the message cannot be shown. Only
	// Room, Epoch and Seq are set then.
	Problem error
}

// Operation is an operation on a closed room, made by the sender of the entry.
type Operation struct {
	Op   frame.Op
	User chat.User     // invite, remove, role, and decline if a moderator took an invitation back
	Role chat.Role     // role
	Name chat.RoomName // create
}

// Evidence is what a client can show about a message besides its text (protocol
// §12). Keys are named by their RFC 7638 thumbprints.
type Evidence struct {
	SenderKey string // the sender's signing key, equal to Message.Device
	// Verified means that the sender's signature was verified with SenderKey,
	// for this room, sender and id. It is false only if there is a Problem.
	Verified   bool
	ServerKey  string // the server key that the sender sealed the text to
	OpenedWith string // the encryption key of this device that opened the message or its page of history
}

// The reasons why a message is refused.
var (
	errPlace  = errors.New("its envelope names a different place in the log")
	errSender = errors.New("its signature is not from its sender")
	errAbsent = errors.New("it is missing from the history")
)

// OpenMessage opens a message frame and verifies it as protocol §6 requires.
func (d *Device) OpenMessage(f frame.Message) (Message, error) {
	var p frame.MessagePlain
	kid, err := d.open(f.JWE, envelope.TypeSealedMessage, &p)
	if err != nil {
		return Message{}, fmt.Errorf("open a message: %w", err)
	}
	if p.Room != f.Room || p.Epoch != f.Epoch || p.Seq != f.Seq {
		return Message{}, fmt.Errorf("open a message: %w", errPlace)
	}
	return d.verifyMessage(p, kid)
}

// OpenHistory opens a page and returns one message for every seq from f.From to
// f.To. A message that fails verification has a Problem. OpenHistory fails if
// the page as a whole cannot be opened.
func (d *Device) OpenHistory(f frame.History) ([]Message, error) {
	if err := CheckPage(f); err != nil {
		return nil, err
	}
	if f.From > f.To {
		return nil, nil
	}
	var p frame.HistoryPlain
	kid, err := d.open(f.JWE, envelope.TypeHistory, &p)
	if err != nil {
		return nil, fmt.Errorf("open a page of history: %w", err)
	}
	if p.Room != f.Room || p.Epoch != f.Epoch {
		return nil, fmt.Errorf("open a page of history: %w", errPlace)
	}
	bySeq := make(map[chat.Seq]frame.MessagePlain, len(p.Messages))
	for _, m := range p.Messages {
		bySeq[m.Seq] = m
	}
	page := make([]Message, 0, f.To-f.From+1)
	for seq := f.From; seq <= f.To; seq++ {
		plain, ok := bySeq[seq]
		m, err := Message{}, errAbsent
		if ok && plain.Room == f.Room && plain.Epoch == f.Epoch {
			m, err = d.verifyMessage(plain, kid)
		}
		if err != nil {
			m = Message{Room: f.Room, Epoch: f.Epoch, Seq: seq, Problem: err}
		}
		page = append(page, m)
	}
	return page, nil
}

// CheckPage checks the range of a page. A client that cannot open a page shows
// a placeholder for each seq, so the range must be bounded. Error: ErrProtocol.
func CheckPage(f frame.History) error {
	if f.From > f.To {
		return nil // empty
	}
	if f.From < 1 || f.To-f.From >= chat.MaxHistoryLimit {
		return fmt.Errorf("%w: a page of history from %d to %d", ErrProtocol, f.From, f.To)
	}
	return nil
}

// verifyMessage verifies an entry's signature with the key that comes with it.
// The key must be that of the named device, and the signed room, sender and id
// those of the entry. kid names the key that opened the entry.
func (d *Device) verifyMessage(p frame.MessagePlain, kid string) (Message, error) {
	key, err := envelope.ParseVerifyKey(p.JWK)
	if err != nil {
		return Message{}, fmt.Errorf("verify a message: %w", err)
	}
	if key.Thumbprint() != string(p.Device) {
		return Message{}, errSender
	}
	signed, err := envelope.ParseSigned(p.JWS, envelope.TypeMessage, envelope.TypeRoom)
	if err != nil {
		return Message{}, fmt.Errorf("verify a message: %w", err)
	}
	payload, err := signed.Verify(key)
	if err != nil {
		return Message{}, fmt.Errorf("verify a message: %w", err)
	}
	m := Message{
		Room:     p.Room,
		Epoch:    p.Epoch,
		Seq:      p.Seq,
		ID:       p.ID,
		From:     p.From,
		Device:   p.Device,
		StoredAt: time.UnixMilli(p.StoredAt),
		Evidence: Evidence{SenderKey: key.Thumbprint(), Verified: true, OpenedWith: kid},
	}
	if signed.Type == envelope.TypeRoom {
		err = m.readOperation(payload)
	} else {
		err = m.readText(payload)
	}
	if err != nil {
		return Message{}, err
	}
	m.NewDevice, err = d.pin(p.From, p.Device)
	if err != nil {
		return Message{}, err
	}
	return m, nil
}

// readText reads the claims of a text and compares them with the entry.
func (m *Message) readText(payload []byte) error {
	var c frame.MessageClaims
	if err := strict.UnmarshalClaims(payload, &c); err != nil {
		return fmt.Errorf("verify a message: %w", err)
	}
	if err := c.Check(); err != nil {
		return fmt.Errorf("verify a message: %w", err)
	}
	m.Body, m.Evidence.ServerKey = c.Body, c.SKID
	return m.compare(c.Sub, c.Room, c.ID)
}

// readOperation reads the claims of an operation and compares them with the
// entry.
func (m *Message) readOperation(payload []byte) error {
	var c frame.RoomClaims
	if err := strict.UnmarshalClaims(payload, &c); err != nil {
		return fmt.Errorf("verify an operation: %w", err)
	}
	if err := c.Check(); err != nil {
		return fmt.Errorf("verify an operation: %w", err)
	}
	m.Operation = &Operation{Op: c.Op, User: c.User, Role: c.Role, Name: c.Name}
	m.Evidence.ServerKey = c.SKID
	return m.compare(c.Sub, c.Room, c.ID)
}

// compare compares what the sender signed with the entry.
func (m *Message) compare(sub chat.User, room chat.Room, id chat.MessageID) error {
	if err := sub.Check(); err != nil || sub != m.From {
		return errSender
	}
	if room != m.Room || id != m.ID {
		return errPlace
	}
	return nil
}

// Known lists the known devices of a user, in the order in which they were
// first seen.
func (d *Device) Known(user chat.User) ([]chat.Device, error) {
	known, err := d.user.Known()
	if err != nil {
		return nil, fmt.Errorf("read the known devices: %w", err)
	}
	return known[user], nil
}

// pin records that a device belongs to a user. fresh reports whether the device
// is new and the user had other known devices.
func (d *Device) pin(user chat.User, device chat.Device) (fresh bool, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if slices.Contains(d.known[user], device) {
		return false, nil
	}
	known, fresh, err := d.user.Pin(user, device)
	if err != nil {
		return false, fmt.Errorf("pin a device: %w", err)
	}
	d.known = known
	return fresh, nil
}
