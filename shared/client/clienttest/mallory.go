package clienttest

import (
	"context"
	"time"

	"github.com/coder/websocket"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/envelope"
	"github.com/sotto-chat/sotto/shared/frame"
	"github.com/sotto-chat/sotto/shared/strict"
)

// Inject writes bytes into all connections of a user, as somebody who ends TLS
// can.
func (s *Service) Inject(to chat.User, frames ...[]byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	for c := range s.conns {
		for _, data := range frames {
			if c.user == to {
				_ = c.ws.Write(ctx, websocket.MessageText, data) // best effort, as post
			}
		}
	}
}

// Sealed returns a message frame for a user without a MAC, as anybody can make
// it who knows the user's public key. The proof shows that key.
func (s *Service) Sealed(to chat.User, plain frame.MessagePlain) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	data, err := strict.Marshal(frame.Message{
		Type:  frame.TypeMessage,
		Room:  plain.Room,
		Epoch: plain.Epoch,
		Seq:   plain.Seq,
		JWE:   s.seal(s.devices[to][0].enc, envelope.TypeSealedMessage, plain),
	})
	if err != nil {
		s.t.Errorf("service: %v", err)
	}
	return data
}

// Stored returns the plaintexts of a room's log.
func (s *Service) Stored(name chat.Room) (log []frame.MessagePlain) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.room(name).log {
		log = append(log, s.plain("", name, e))
	}
	return log
}
