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
	StoredAt time.Time   // by the service's clock, to the millisecond
	Body     string      // as the sender signed it: any UTF-8, control characters too

	// NewDevice says that this is the first message from this device of a user
	// who was known by other devices only: somebody may have taken the name.
	NewDevice bool

	// Evidence is what is known of how the message came here.
	Evidence Evidence

	// Problem, if not nil, says why the message at this place cannot be shown.
	// Only Room, Epoch and Seq are set then.
	Problem error
}

// Evidence is what a client can show of a message beside its text (protocol
// §12). Fingerprints are RFC 7638 thumbprints.
type Evidence struct {
	SenderKey string // the sender's signing key, which names Message.Device
	// Verified says that the sender's signature was checked under SenderKey,
	// for this room, sender and id. It is false only where there is a Problem.
	Verified   bool
	ServerKey  string // the service's key that the sender sealed the text to
	OpenedWith string // this device's encryption key that opened the message, or its page of history
}

// Why a message is not believed.
var (
	errPlace  = errors.New("its envelope names another place in the log")
	errSender = errors.New("its signature is not its sender's")
	errAbsent = errors.New("it is missing from the history")
)

// OpenMessage opens a message frame and checks all that protocol §6 asks for.
func (d *Device) OpenMessage(f frame.Message) (Message, error) {
	var p frame.MessagePlain
	kid, err := d.open(f.JWE, envelope.TypeSealedMessage, &p)
	if err != nil {
		return Message{}, fmt.Errorf("open a message: %w", err)
	}
	if p.Room != f.Room || p.Epoch != f.Epoch || p.Seq != f.Seq {
		return Message{}, fmt.Errorf("open a message: %w", errPlace)
	}
	return d.believe(p, kid)
}

// OpenHistory opens a page and returns one message for every seq from f.From to
// f.To; what does not hold in it comes as a Problem. It fails when the page as
// a whole does not open.
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
			m, err = d.believe(plain, kid)
		}
		if err != nil {
			m = Message{Room: f.Room, Epoch: f.Epoch, Seq: seq, Problem: err}
		}
		page = append(page, m)
	}
	return page, nil
}

// CheckPage checks the outside of a page: a page that spanned a million seqs
// would make a client that cannot open it show a million placeholders.
func CheckPage(f frame.History) error {
	if f.From > f.To {
		return nil // empty
	}
	if f.From < 1 || f.To-f.From >= chat.MaxHistoryLimit {
		return fmt.Errorf("%w: a page of history from %d to %d", ErrProtocol, f.From, f.To)
	}
	return nil
}

// believe checks a message's own signature: under the key that comes with it,
// which must be the named device's, and for the very place it stands in. kid is
// the own key that opened it.
func (d *Device) believe(p frame.MessagePlain, kid string) (Message, error) {
	key, err := envelope.ParseVerifyKey(p.JWK)
	if err != nil {
		return Message{}, fmt.Errorf("check a message: %w", err)
	}
	if key.Thumbprint() != string(p.Device) {
		return Message{}, errSender
	}
	signed, err := envelope.ParseSigned(p.JWS, envelope.TypeMessage)
	if err != nil {
		return Message{}, fmt.Errorf("check a message: %w", err)
	}
	payload, err := signed.Verify(key)
	if err != nil {
		return Message{}, fmt.Errorf("check a message: %w", err)
	}
	var c frame.MessageClaims
	if err := strict.Unmarshal(payload, &c); err != nil {
		return Message{}, fmt.Errorf("check a message: %w", err)
	}
	if err := c.Check(); err != nil {
		return Message{}, fmt.Errorf("check a message: %w", err)
	}
	if err := c.Sub.Check(); err != nil || c.Sub != p.From {
		return Message{}, errSender
	}
	if c.Room != p.Room || c.ID != p.ID {
		return Message{}, errPlace
	}
	fresh, err := d.learn(p.From, p.Device)
	if err != nil {
		return Message{}, err
	}
	return Message{
		Room:      p.Room,
		Epoch:     p.Epoch,
		Seq:       p.Seq,
		ID:        p.ID,
		From:      p.From,
		Device:    p.Device,
		StoredAt:  time.UnixMilli(p.StoredAt),
		Body:      c.Body,
		NewDevice: fresh,
		Evidence:  Evidence{SenderKey: key.Thumbprint(), Verified: true, ServerKey: c.SKID, OpenedWith: kid},
	}, nil
}

// Known lists the devices seen of a user, in the order in which they came.
func (d *Device) Known(user chat.User) ([]chat.Device, error) {
	known, err := d.user.Known()
	if err != nil {
		return nil, fmt.Errorf("read the known devices: %w", err)
	}
	return known[user], nil
}

// learn pins a device to a user and says whether it is a new one of a user who
// was known before.
func (d *Device) learn(user chat.User, device chat.Device) (fresh bool, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if slices.Contains(d.known[user], device) {
		return false, nil
	}
	known, fresh, err := d.user.Learn(user, device)
	if err != nil {
		return false, fmt.Errorf("remember a device: %w", err)
	}
	d.known = known
	return fresh, nil
}
