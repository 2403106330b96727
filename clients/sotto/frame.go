package main

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

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
			"mac --user NAME FRAME", "open --user NAME"},
		short: "print and read single frames, for wscat",
		words: []string{"begin", "prove", "seal", "mac", "open"},
		help: `
Speaks the protocol without a connection: begin, prove, seal and mac print one line to
paste into wscat; prove and open read the answer from stdin, with or without wscat's
"< ". The profile stores keys and session. open refuses a frame that the service has
not authenticated in this session. mac makes any other frame of the protocol one of
this session: it adds the members ref and mac.

Step by step, with wscat -c ws://127.0.0.1:4566/local in another terminal:
  sotto frame begin --user ada           paste the line, copy the challenge
  sotto frame prove --user ada           enter the challenge, paste the line, copy the welcome
  sotto frame open --user ada            enter the welcome
  sotto frame seal --user ada "hello"    paste the line, copy the ack and the message
  sotto frame open --user ada            enter both
  sotto frame mac --user ada '{"action":"history","room":"lobby"}'
                                         paste the line, copy the page of history`,
		flags: withRoom,
		run: func(in *commandLine, operands []string) error {
			if len(operands) == 0 {
				return usagef("no frame; add begin, prove, seal, mac or open")
			}
			do := map[string]func(*frameSession, []string) error{
				"begin": (*frameSession).begin, "prove": (*frameSession).prove,
				"seal": (*frameSession).seal, "mac": (*frameSession).mac, "open": (*frameSession).open,
			}[operands[0]]
			if do == nil {
				return usagef("unknown frame %q; use begin, prove, seal, mac or open", operands[0])
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
	return h.print(frame.Request{Action: frame.ActionHandshake, V: frame.Version, User: h.name})
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
	proof, session, err := h.device.Prove(c.Nonce, keys, "")
	if err != nil {
		return err
	}
	if err := h.user.SetFrameSession(profile.FrameSession{
		KeySet:  c.KeySet,
		Nonce:   c.Nonce,
		Session: session.Keys(),
	}); err != nil {
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
	state, err := h.state()
	if err != nil {
		return err
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
	data, err := strict.Marshal(frame.Request{Action: frame.ActionSendMessage, Ref: chat.NewRef(), JWE: jwe})
	if err != nil {
		return err
	}
	return h.printAuthenticated(state, data)
}

// state reads the session, which begins with the welcome.
func (h *frameSession) state() (profile.FrameSession, error) {
	state, err := h.user.FrameSession()
	if err == nil && state.SID == "" {
		err = fmt.Errorf("no session yet; pass the welcome to: sotto frame open --user %s", h.name)
	}
	return state, err
}

// mac prints any frame of a session with its MAC, and with a ref if it has
// none.
func (h *frameSession) mac(operands []string) error {
	if len(operands) != 1 {
		return usagef("pass one frame, such as '{\"action\":\"ping\"}'")
	}
	var members map[string]jsontext.Value
	if err := strict.Unmarshal([]byte(operands[0]), &members); err != nil || len(members) == 0 {
		return usagef("the frame is not a JSON object with an action")
	}
	if _, there := members["mac"]; there {
		return usagef("the frame has a mac already")
	}
	if err := h.load(); err != nil {
		return err
	}
	state, err := h.state()
	if err != nil {
		return err
	}
	if _, there := members["ref"]; !there {
		members["ref"] = jsontext.Value(strconv.Quote(chat.NewRef()))
	}
	data, err := strict.Marshal(members)
	if err != nil {
		return err
	}
	return h.printAuthenticated(state, data)
}

// printAuthenticated prints a frame with the MAC of the session.
func (h *frameSession) printAuthenticated(state profile.FrameSession, data []byte) error {
	session, err := device.RestoreSession(state.Session)
	if err != nil {
		return err
	}
	if data, err = session.Authenticate(data); err != nil {
		return err
	}
	if len(data) > chat.MaxFrame {
		return chat.FrameTooLarge
	}
	h.line(string(data))
	return h.failed()
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
