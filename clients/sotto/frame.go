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
		short: "print and read single frames, for wscat",
		words: []string{"begin", "prove", "seal", "open"},
		help: `
Speaks the protocol without a connection: begin, prove and seal print one line to
paste into wscat; prove and open read the answer from stdin, with or without wscat's
"< ". The profile stores keys and session.

Step by step, with wscat -c ws://127.0.0.1:4566/local in another terminal:
  sotto frame begin --user ada           paste the line, copy the challenge
  sotto frame prove --user ada           enter the challenge, paste the line, copy the welcome
  sotto frame open --user ada            enter the welcome
  sotto frame seal --user ada "hello"    paste the line, copy the ack and the message
  sotto frame open --user ada            enter both`,
		flags: withRoom,
		run: func(in *commandLine, operands []string) error {
			if len(operands) == 0 {
				return usagef("no frame; add begin, prove, seal or open")
			}
			do := map[string]func(*frameSession, []string) error{
				"begin": (*frameSession).begin, "prove": (*frameSession).prove,
				"seal": (*frameSession).seal, "open": (*frameSession).open,
			}[operands[0]]
			if do == nil {
				return usagef("unknown frame %q; use begin, prove, seal or open", operands[0])
			}
			user, err := in.userName()
			if err != nil {
				return err
			}
			return do(&frameSession{commandLine: in, name: user}, operands[1:])
		},
	}
}

// frameSession is a session in which the user copies the frames.
type frameSession struct {
	*commandLine
	name   chat.User
	user   *profile.User
	device *device.Device
}

// load reads the user's device, and creates it at first use.
func (h *frameSession) load() error {
	deployment, err := h.deployment()
	if err != nil {
		return err
	}
	h.user = deployment.User(h.name)
	h.device, err = device.Load(h.user)
	return err
}

func (h *frameSession) print(r frame.Request) error {
	if err := h.json(r); err != nil {
		return err
	}
	return h.failed()
}

func (h *frameSession) begin(operands []string) error {
	if err := none(operands); err != nil {
		return err
	}
	return h.print(frame.Request{Action: frame.ActionHandshake, User: h.name})
}

func (h *frameSession) prove(operands []string) error {
	if err := none(operands); err != nil {
		return err
	}
	if err := h.load(); err != nil {
		return err
	}
	data, kind, err := h.read("the challenge")
	if errors.Is(err, io.EOF) {
		return errors.New("no challenge on stdin; pass the answer to: sotto frame begin")
	}
	if err != nil {
		return err
	}
	var c frame.Challenge
	if kind != frame.TypeChallenge || strict.Unmarshal(data, &c) != nil {
		return errors.New("stdin has no challenge; pass the answer to: sotto frame begin")
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

func (h *frameSession) seal(operands []string) error {
	text, err := h.textToSend(operands)
	if err != nil {
		return err
	}
	room, err := parseRoom(h.room)
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
		return fmt.Errorf("no session yet; pass the welcome to: sotto frame open --user %s", h.name)
	}
	keys, err := h.device.AcceptKeySet(state.KeySet)
	if errors.Is(err, device.ErrOlder) || errors.Is(err, device.ErrExpired) {
		return fmt.Errorf("the service has newer keys than this session; start again: sotto frame begin --user %s",
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

// read returns the next frame on stdin and its type.
func (h *frameSession) read(what string) ([]byte, string, error) {
	lines := newFrameReader(h.ctx, h.stdin)
	if lines.file != nil {
		h.notice("paste %s and press Enter", what)
	}
	for {
		line, err := lines.next()
		if err != nil {
			return nil, "", err
		}
		if data, kind, err := parseFrame(line); data != nil || err != nil {
			return data, kind, err
		}
	}
}

// parseFrame returns the frame in a line and its type, or nil if there is none.
// Of a wscat session it accepts only the received lines. The type is empty for
// errors of API Gateway. Half a frame is an error.
func parseFrame(line string) (data []byte, kind string, err error) {
	line = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line), "<"))
	if !strings.HasPrefix(line, "{") {
		return nil, "", nil
	}
	var head struct {
		Type string `json:"type"`
	}
	if err := strict.Unmarshal([]byte(line), &head); err != nil {
		return nil, "", malformed(err)
	}
	return []byte(line), head.Type, nil
}
