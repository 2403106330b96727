package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/client/device"
	"github.com/sotto-chat/sotto/shared/client/profile"
	"github.com/sotto-chat/sotto/shared/frame"
	"github.com/sotto-chat/sotto/shared/strict"
)

func frameCommand() *command {
	return &command{
		name: "frame",
		usage: []string{"begin --user NAME", "prove --user NAME", "seal --user NAME [--room ROOM] TEXT",
			"open --user NAME"},
		short: "make and read frames by hand, for wscat",
		words: []string{"begin", "prove", "seal", "open"},
		help: `
Speaks the protocol without a connection: begin, prove and seal print one line to
paste into wscat, and prove and open read from stdin what came back, with or without
wscat's "< ". Keys and session are kept in the profile.

Step by step, beside: wscat -c ws://127.0.0.1:4566/local
  sotto frame begin --user ada           paste the line, copy the challenge
  sotto frame prove --user ada           give it the challenge, paste the line, copy the welcome
  sotto frame open --user ada            give it the welcome
  sotto frame seal --user ada "hello"    paste the line, copy ack and message
  sotto frame open --user ada            give it each of them`,
		flags: withRoom,
		run: func(in *invocation, operands []string) error {
			if len(operands) == 0 {
				return usagef("which frame? Add begin, prove, seal or open")
			}
			do := map[string]func(*hand, []string) error{
				"begin": (*hand).begin, "prove": (*hand).prove, "seal": (*hand).seal, "open": (*hand).open,
			}[operands[0]]
			if do == nil {
				return usagef("there is no frame %q; it is begin, prove, seal or open", operands[0])
			}
			user, err := in.asUser()
			if err != nil {
				return err
			}
			return do(&hand{invocation: in, name: user}, operands[1:])
		},
	}
}

// hand is a session carried by hand.
type hand struct {
	*invocation
	name   chat.User
	user   *profile.User
	device *device.Device
}

// load reads the user's device, and makes it at first use.
func (h *hand) load() error {
	deployment, err := h.deployment()
	if err != nil {
		return err
	}
	h.user = deployment.User(h.name)
	h.device, err = device.Load(h.user)
	return err
}

func (h *hand) print(r frame.Request) error {
	if err := h.json(r); err != nil {
		return err
	}
	return h.failed()
}

func (h *hand) begin(operands []string) error {
	if err := none(operands); err != nil {
		return err
	}
	return h.print(frame.Request{Action: frame.ActionHandshake, User: h.name})
}

func (h *hand) prove(operands []string) error {
	if err := none(operands); err != nil {
		return err
	}
	if err := h.load(); err != nil {
		return err
	}
	data, kind, err := h.read("the challenge")
	if errors.Is(err, io.EOF) {
		return errors.New("no challenge came; give it on stdin")
	}
	if err != nil {
		return err
	}
	var c frame.Challenge
	if kind != frame.TypeChallenge || strict.Unmarshal(data, &c) != nil {
		return errors.New("that is no challenge; give the answer to: sotto frame begin")
	}
	keys, err := h.device.AcceptKeySet(c.KeySet)
	if err != nil {
		return err
	}
	proof, err := h.device.Prove(c.Nonce, keys, "")
	if err != nil {
		return err
	}
	if err := h.user.SetFrameSession(profile.FrameSession{KeySet: c.KeySet, Nonce: c.Nonce}); err != nil {
		return err
	}
	return h.print(frame.Request{Action: frame.ActionHandshake, Proof: proof})
}

func (h *hand) seal(operands []string) error {
	text, err := h.textToSend(operands)
	if err != nil {
		return err
	}
	room, err := inRoom(h.room)
	if err != nil {
		return err
	}
	if err := h.load(); err != nil {
		return err
	}
	state, err := h.user.FrameSession()
	if err != nil {
		return err
	}
	if state.SID == "" {
		return fmt.Errorf("there is no session yet; give the welcome to: sotto frame open --user %s", h.name)
	}
	keys, err := h.device.AcceptKeySet(state.KeySet)
	if errors.Is(err, device.ErrOlder) || errors.Is(err, device.ErrExpired) {
		return fmt.Errorf("the service has newer keys than this session; begin anew: sotto frame begin --user %s",
			h.name)
	}
	if err != nil {
		return err
	}
	jwe, err := h.device.SealMessage(state.SID, keys, room, device.NewMessageID(), text)
	if err != nil {
		return err
	}
	r := frame.Request{Action: frame.ActionSendMessage, JWE: jwe}
	if data, err := strict.Marshal(r); err != nil || len(data) > chat.MaxFrame {
		return chat.FrameTooLarge
	}
	return h.print(r)
}

// read returns the next frame on stdin, and its type.
func (h *hand) read(what string) ([]byte, string, error) {
	lines := newFrameReader(h.ctx, h.stdin)
	if lines.file != nil {
		h.notice("paste %s and press Enter", what)
	}
	for {
		line, err := lines.next()
		if err != nil {
			return nil, "", err
		}
		if data, kind := parseFrame(line); data != nil {
			return data, kind, nil
		}
	}
}

// parseFrame reads a line that holds a frame of the service. Of a wscat session
// it takes what came, and no other line.
func parseFrame(line string) (data []byte, kind string) {
	line = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line), "<"))
	if !strings.HasPrefix(line, "{") {
		return nil, ""
	}
	var head struct {
		Type string `json:"type"`
	}
	_ = strict.Unmarshal([]byte(line), &head) // a frame without a type is API Gateway's
	return []byte(line), head.Type
}
