package room

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/envelope"
	"github.com/sotto-chat/sotto/shared/frame"
)

// Every frame of a session ends with a MAC in both directions (protocol §4).
// The keys are in the rows of connections and listeners, wrapped by the
// keyring, so that any instance can answer and deliver.

// place identifies a connection's session in the additional data of its wrapped
// keys. No part can contain the separator.
func place(id chat.Connection, user chat.User, device chat.Device) []byte {
	return []byte(strings.Join([]string{string(id), string(user), string(device)}, "|"))
}

func (c *Connection) place() []byte { return place(c.ID, c.User, c.Device) }

func (l *Listener) place() []byte { return place(l.Connection, l.User, l.Device) }

// answers is what a call knows of the session that its frame belongs to. The
// zero value authenticates nothing.
type answers struct {
	checked         bool // the MAC of the call's frame
	toClient, place []byte
}

// under makes a call's answers authenticated under a session's key.
func (c Call) under(toClient, place []byte) {
	if c.answers != nil {
		*c.answers = answers{checked: true, toClient: toClient, place: place}
	}
}

// checkMAC checks the MAC of a call's frame. From then on answers to the call
// are authenticated. Error: chat.BadMAC.
func (s *Service) checkMAC(ctx context.Context, c Call, conn *Connection) error {
	if c.answers != nil {
		c.answers.checked = true
	}
	err := s.keys.CheckFrame(ctx, conn.ToService, conn.place(), c.Frame)
	if errors.Is(err, ErrMAC) {
		return chat.BadMAC
	}
	if errors.Is(err, ErrDamaged) {
		s.log.WarnContext(ctx, "the session's keys cannot be read", "err", err, "connection", conn.ID)
		return chat.HandshakeRequired // the client connects again
	}
	if err != nil {
		return fmt.Errorf("check the frame: %w", err)
	}
	c.under(conn.ToClient, conn.place())
	return nil
}

// Authenticate adds the MAC to an answer if the call's frame was authentic or
// was a proof that verifies. Otherwise it returns the answer unchanged: a frame
// that somebody else put into the connection must not get an answer that the
// client believes.
func (s *Service) Authenticate(ctx context.Context, c Call, data []byte) ([]byte, error) {
	if c.answers == nil || s.keys == nil {
		return data, nil
	}
	if !c.answers.checked && envelope.HasMAC(c.Frame) {
		conn, err := s.store.Connection(ctx, c.Connection)
		if err == nil && conn.Bound() {
			err = s.checkMAC(ctx, c, conn)
		}
		if refusal := (*chat.Error)(nil); err != nil && !errors.Is(err, ErrNotFound) && !errors.As(err, &refusal) {
			return data, err
		}
	}
	if c.answers.toClient == nil {
		return data, nil
	}
	return s.keys.AuthenticateFrame(ctx, c.answers.toClient, c.answers.place, data)
}

// openSession opens the secret of a verified proof and puts the session's keys
// into the binding. From then on answers to the call are authenticated. Errors:
// chat.StaleServerKey, chat.BadProof.
func (s *Service) openSession(ctx context.Context, c Call, b *Binding, secret, proof string) error {
	nonce, err := base64.RawURLEncoding.DecodeString(b.Nonce)
	if err != nil {
		return fmt.Errorf("decode the nonce: %w", err)
	}
	at := place(b.Connection, b.User, b.Device.ID)
	b.ToService, b.ToClient, err = s.keys.OpenSession(ctx, secret, nonce, proof, at)
	switch {
	case errors.Is(err, ErrStaleKey):
		return chat.StaleServerKey
	case errors.Is(err, envelope.ErrEnvelope):
		return chat.BadProof
	case err != nil:
		return fmt.Errorf("open the session's secret: %w", err)
	}
	c.under(b.ToClient, at)
	return nil
}

// push returns the part of a push that lets a client handle it once.
func (s *Service) push() frame.Push { return frame.Push{N: chat.NewPush(), At: s.now().UnixMilli()} }
