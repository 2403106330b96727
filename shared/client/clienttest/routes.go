package clienttest

import (
	"context"
	"encoding/base64"
	"errors"
	"time"

	"github.com/coder/websocket"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/envelope"
	"github.com/sotto-chat/sotto/shared/frame"
	"github.com/sotto-chat/sotto/shared/strict"
)

type conn struct {
	ws     *websocket.Conn
	claims chat.User // the name in its handshake
	nonce  string
	user   chat.User // "" before the handshake is complete
	sid    chat.Session
	device *device

	toService, toClient *envelope.MACKey // nil before a proof that verifies
}

// push returns the part of a push that lets a client handle it once.
func push() frame.Push { return frame.Push{N: chat.NewPush(), At: time.Now().UnixMilli()} }

// handle processes a frame and answers it.
func (s *Service) handle(c *conn, data []byte) {
	var head frame.Request
	_ = strict.Unmarshal(data, &head)
	r, ref, err := frame.Parse(head.Action, data)
	if err == nil && c.user != "" && r.Action != frame.ActionHandshake && c.toService.Verify(data) != nil {
		err = chat.BadMAC
	}
	if err == nil {
		f := Frame{User: c.user, Session: c.sid, Request: *r}
		if r.Action == frame.ActionSendMessage {
			f.Claims, _, _ = s.open(r.JWE)
		}
		s.frames = append(s.frames, f)
		if s.faults.Refuse != nil {
			if refusal := s.faults.Refuse(c.user, *r); refusal != nil {
				err = refusal
			}
		}
	}
	if err == nil {
		err = s.route(c, r)
	}
	if err == nil {
		return
	}
	known, ok := errors.AsType[*chat.Error](err)
	if !ok {
		s.t.Errorf("service: %v", err)
		known = chat.Internal
	}
	e := frame.NewError(known, ref)
	if known == chat.StaleServerKey {
		e.KeySet = s.keySet()
	}
	s.post(c, frame.TypeError, e)
	if known.Closes() {
		_ = c.ws.Close(websocket.StatusNormalClosure, "")
	}
}

func (s *Service) route(c *conn, r *frame.Request) error {
	if r.Action == frame.ActionHandshake {
		if r.User != "" {
			c.claims, c.nonce = r.User, chat.NewNonce()
			s.post(c, frame.TypeChallenge, frame.Challenge{
				Type:   frame.TypeChallenge,
				Ref:    r.Ref,
				V:      frame.Version,
				Nonce:  c.nonce,
				KeySet: s.keySet(),
			})
			return nil
		}
		return s.prove(c, r)
	}
	if c.user == "" {
		return chat.HandshakeRequired
	}
	if c.device.revoked {
		return chat.DeviceRevoked
	}
	switch r.Action {
	case frame.ActionSendMessage:
		return s.send(c, r)
	case frame.ActionHistory:
		return s.history(c, r)
	case frame.ActionCreateRoom:
		room := s.room(r.Room)
		if room.creator == "" {
			room.creator = c.user
		}
		if room.creator != c.user {
			return chat.RoomTaken
		}
		s.post(c, frame.TypeCreated, frame.Created{Type: frame.TypeCreated, Ref: r.Ref, Room: r.Room})
	case frame.ActionJoinRoom:
		if r.Room != chat.Lobby && s.room(r.Room).creator == "" {
			return chat.RoomInvalid
		}
		s.room(r.Room).members[c.user] = true
		s.post(c, frame.TypeJoined, frame.Joined{
			Type:      frame.TypeJoined,
			Ref:       r.Ref,
			RoomState: s.state(r.Room),
		})
	case frame.ActionLeaveRoom:
		if r.Room == chat.Lobby {
			return chat.RoomInvalid
		}
		delete(s.room(r.Room).members, c.user)
		s.post(c, frame.TypeLeft, frame.Left{Type: frame.TypeLeft, Ref: r.Ref, Room: r.Room})
	case frame.ActionRotateKey:
		return s.rotate(c, r)
	case frame.ActionDevices:
		s.list(c, r)
	case frame.ActionRevokeDevice:
		return s.revoke(c, r)
	case frame.ActionPing:
		pong := frame.Pong{
			Type:  frame.TypePong,
			Ref:   r.Ref,
			At:    time.Now().UnixMilli(),
			Heads: map[chat.Room]frame.Head{},
		}
		for name := range s.rooms {
			state := s.state(name)
			pong.Heads[name] = frame.Head{Epoch: state.Epoch, Head: state.Head}
		}
		s.post(c, frame.TypePong, pong)
	case frame.ActionPresence, frame.ActionTyping, frame.ActionMark:
		return s.hint(c, r)
	default:
		return chat.UnknownAction
	}
	return nil
}

func (s *Service) state(name chat.Room) frame.RoomState {
	r := s.room(name)
	return frame.RoomState{Room: name, Epoch: r.epoch, Head: chat.Seq(len(r.log)), Floor: r.floor}
}

func (r *room) has(user chat.User, name chat.Room) bool { return name == chat.Lobby || r.members[user] }

func (s *Service) prove(c *conn, r *frame.Request) error {
	token, err := envelope.ParseSigned(r.Proof, envelope.TypeHandshake)
	if err != nil {
		return chat.BadProof
	}
	old := s.find(c.claims, chat.Device(token.KID))
	var claims frame.HandshakeClaims
	if err := verify(r.Proof, envelope.TypeHandshake, token.JWK, &claims); err != nil {
		return chat.BadProof
	}
	enc, err := envelope.ParseEncryptionKey(claims.Enc)
	if err != nil || claims.Sub != c.claims || claims.Check() != nil {
		return chat.BadProof
	}
	if claims.Nonce != c.nonce {
		return chat.NonceExpired
	}
	if err := s.derive(c, &claims, r.Proof); err != nil {
		return err
	}
	d := &device{id: chat.Device(token.KID), key: token.JWK, gen: claims.Gen, enc: enc, added: time.Now().UnixMilli()}
	if old == nil {
		if err := s.admit(c.claims, d, claims.Link); err != nil {
			return err
		}
		s.devices[c.claims] = append(s.devices[c.claims], d)
	} else {
		if err := d.replace(old); err != nil {
			return err
		}
		d = old
	}
	c.user, c.sid, c.device = c.claims, chat.NewSession(), d
	plain := frame.WelcomePlain{V: frame.Version, Nonce: c.nonce, SID: c.sid, User: c.user, Device: d.id}
	plain.At = time.Now().UnixMilli()
	for name, room := range s.rooms {
		if room.has(c.user, name) {
			plain.Rooms = append(plain.Rooms, s.state(name))
		}
	}
	s.post(c, frame.TypeWelcome, frame.Welcome{
		Type: frame.TypeWelcome,
		Ref:  r.Ref,
		JWE:  s.seal(enc, envelope.TypeWelcome, plain),
	})
	return nil
}

// derive derives the keys of the session from a proof.
func (s *Service) derive(c *conn, claims *frame.HandshakeClaims, proof string) error {
	sealed, err := envelope.ParseSealed(claims.SK, envelope.TypeSession)
	if err != nil {
		return chat.BadProof
	}
	secret, err := sealed.Open(s.session)
	if err != nil {
		return chat.BadProof
	}
	nonce, err := base64.RawURLEncoding.DecodeString(claims.Nonce)
	if err != nil {
		return chat.BadProof
	}
	if c.toService, c.toClient, err = envelope.DeriveMACKeys(secret, nonce, proof); err != nil {
		return chat.BadProof
	}
	return nil
}

// replace replaces the key of the device on record by that of d, or returns why
// it must not.
func (d *device) replace(old *device) error {
	same := old.enc.Thumbprint() == d.enc.Thumbprint()
	switch {
	case old.revoked:
		return chat.DeviceRevoked
	case d.gen == old.gen && same, d.gen == old.gen+1 && !same:
		old.gen, old.enc = d.gen, d.enc
		return nil
	case d.gen <= old.gen:
		return chat.StaleDeviceKey
	}
	return chat.BadProof
}

func (s *Service) rotate(c *conn, r *frame.Request) error {
	var claims frame.RotateClaims
	if err := verify(r.Proof, envelope.TypeRotate, c.device.key, &claims); err != nil {
		return chat.BadProof
	}
	enc, err := envelope.ParseEncryptionKey(claims.Enc)
	if err != nil {
		return chat.KeyUnacceptable
	}
	if claims.SID != c.sid {
		return chat.SessionMismatch
	}
	d := &device{gen: claims.Gen, enc: enc}
	if err := d.replace(c.device); err != nil {
		return err
	}
	plain := frame.RotatedPlain{SID: c.sid, Gen: d.gen}
	s.post(c, frame.TypeRotated, frame.Rotated{
		Type: frame.TypeRotated,
		Ref:  r.Ref,
		Gen:  d.gen,
		JWE:  s.seal(enc, envelope.TypeRotated, plain),
	})
	return nil
}

// open opens the envelope of a sendMessage frame and returns the claims and the
// signed token in it.
func (s *Service) open(jwe string) (claims frame.MessageClaims, jws string, err error) {
	sealed, err := envelope.ParseSealed(jwe, envelope.TypeSend)
	if err != nil {
		return claims, "", chat.BadEnvelope
	}
	for _, key := range s.servers {
		if key.Thumbprint() != sealed.KID {
			continue
		}
		plain, err := sealed.Open(key)
		if err != nil {
			return claims, "", chat.BadEnvelope
		}
		for _, devices := range s.devices {
			for _, d := range devices {
				if verify(string(plain), envelope.TypeMessage, d.key, &claims) == nil {
					return claims, string(plain), nil
				}
			}
		}
		return claims, "", chat.BadSignature
	}
	return claims, "", chat.StaleServerKey
}

func (s *Service) send(c *conn, r *frame.Request) error {
	claims, jws, err := s.open(r.JWE)
	if err != nil {
		return err
	}
	name := claims.Room
	room := s.room(name)
	if claims.SID != c.sid || claims.Sub != c.user {
		return chat.SessionMismatch
	}
	if !room.has(c.user, name) {
		return chat.NotAMember
	}
	e := entry{
		seq:    chat.Seq(len(room.log) + 1),
		id:     claims.ID,
		from:   c.user,
		device: c.device.id,
		jwk:    c.device.key.JWK(),
		jws:    jws,
		at:     time.Now().UnixMilli(),
	}
	duplicate := false
	for _, old := range room.log {
		if old.id == e.id && old.device == e.device {
			e, duplicate = old, true
		}
	}
	if !duplicate {
		room.log = append(room.log, e)
	}
	s.post(c, frame.TypeAck, frame.Ack{
		Type:      frame.TypeAck,
		Ref:       r.Ref,
		ID:        e.id,
		Room:      name,
		Epoch:     room.epoch,
		Seq:       e.seq,
		StoredAt:  e.at,
		Duplicate: duplicate,
	})
	for to := range s.conns {
		if to.user != "" && !to.device.revoked && room.has(to.user, name) {
			s.post(to, frame.TypeMessage, frame.Message{
				Type:  frame.TypeMessage,
				Room:  name,
				Epoch: room.epoch,
				Seq:   e.seq,
				JWE:   s.seal(to.device.enc, envelope.TypeSealedMessage, s.plain(to.user, name, e)),
			})
		}
	}
	return nil
}

func (s *Service) plain(to chat.User, name chat.Room, e entry) frame.MessagePlain {
	m := frame.MessagePlain{
		Room:     name,
		Epoch:    s.room(name).epoch,
		Seq:      e.seq,
		ID:       e.id,
		From:     e.from,
		Device:   e.device,
		StoredAt: e.at,
		JWK:      e.jwk,
		JWS:      e.jws,
	}
	if s.faults.Forge != nil {
		s.faults.Forge(to, &m)
	}
	return m
}

func (s *Service) history(c *conn, r *frame.Request) error {
	name := r.Room
	room := s.room(name)
	if !room.has(c.user, name) {
		return chat.NotAMember
	}
	page := frame.History{
		Type:  frame.TypeHistory,
		Ref:   r.Ref,
		Room:  name,
		Epoch: room.epoch,
		From:  max(r.After+1, room.floor),
		Head:  chat.Seq(len(room.log)),
		Floor: room.floor,
	}
	page.To = page.From - 1
	plain := frame.HistoryPlain{Room: name, Epoch: room.epoch}
	for size := 0; page.To < page.Head && len(plain.Messages) < r.Limit && size < chat.MaxHistoryPage/2; {
		page.To++
		e := room.log[page.To-1]
		plain.Messages = append(plain.Messages, s.plain(c.user, name, e))
		size += len(e.jws)
	}
	page.More = page.To < page.Head
	if len(plain.Messages) > 0 {
		page.JWE = s.seal(c.device.enc, envelope.TypeHistory, plain)
	}
	s.post(c, frame.TypeHistory, page)
	return nil
}

// verify verifies a token and decodes its claims.
func verify(token string, typ envelope.Type, key envelope.VerifyKey, claims any) error {
	signed, err := envelope.ParseSigned(token, typ)
	if err != nil {
		return err
	}
	payload, err := signed.Verify(key)
	if err != nil {
		return err
	}
	return strict.UnmarshalClaims(payload, claims)
}

func (s *Service) seal(to *envelope.EncryptionKey, typ envelope.Type, plain any) string {
	data, err := strict.Marshal(plain)
	if err != nil {
		s.t.Errorf("service: %v", err)
	}
	token, err := envelope.Seal(to, typ, data)
	if err != nil {
		s.t.Errorf("service: %v", err)
	}
	return token
}

// authenticate adds the MAC to a frame of a session. Errors of API Gateway,
// which have no type, get none.
func (s *Service) authenticate(c *conn, data []byte) []byte {
	var head struct {
		Type string `json:"type"`
	}
	if c.toClient == nil || strict.Unmarshal(data, &head) != nil || head.Type == "" {
		return data
	}
	data, err := c.toClient.Authenticate(data)
	if err != nil {
		s.t.Errorf("service: %v", err)
	}
	return data
}

// post sends a frame, or the frames that the faults replace it by.
func (s *Service) post(c *conn, kind string, f any) {
	data, err := strict.Marshal(f)
	if err != nil {
		s.t.Errorf("service: %v", err)
	}
	answers := [][]byte{data}
	if s.faults.Answer != nil {
		answers = s.faults.Answer(c.user, kind, data)
	}
	var frames [][]byte
	for _, data := range answers {
		data = s.authenticate(c, data)
		if s.faults.Wire == nil {
			frames = append(frames, data)
		} else {
			frames = append(frames, s.faults.Wire(c.user, kind, data)...)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	for _, data := range frames {
		_ = c.ws.Write(ctx, websocket.MessageText, data) // best effort; the client may have disconnected
	}
}
