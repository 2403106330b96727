package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/sotto-chat/sotto/shared/client"
	"github.com/sotto-chat/sotto/shared/client/device"
	"github.com/sotto-chat/sotto/shared/envelope"
	"github.com/sotto-chat/sotto/shared/frame"
	"github.com/sotto-chat/sotto/shared/strict"
)

// open prints the content of all frames on stdin. It reports a frame that
// cannot be read and continues with the next one.
func (h *frameSession) open(operands []string) error {
	if err := none(operands); err != nil {
		return err
	}
	if err := h.load(); err != nil {
		return err
	}
	lines := newFrameReader(h.ctx, h.stdin)
	if lines.file != nil {
		h.notice("paste each frame and press Enter; Ctrl-D ends")
	}
	opened, failed := 0, false
	for {
		line, err := lines.next()
		switch {
		case errors.Is(err, context.Canceled) && opened > 0:
			err = io.EOF
		case err == nil:
			data, kind, err := parseFrame(line)
			if data == nil && err == nil {
				continue
			}
			opened++
			if err == nil {
				err = h.show(kind, data)
			}
			if err != nil {
				h.notice("%s", describe(err))
				failed = true
			}
			continue
		}
		switch {
		case !errors.Is(err, io.EOF):
			return err
		case opened == 0:
			return errors.New("no frame on stdin; pass the output of wscat")
		case failed:
			return errReported
		}
		return h.failed()
	}
}

// show prints the content of one frame, and stores what the next steps need.
func (h *frameSession) show(kind string, data []byte) error {
	show := map[string]func([]byte) error{
		frame.TypeChallenge: h.showChallenge, frame.TypeWelcome: h.showWelcome, frame.TypeMessage: h.showMessage,
		frame.TypeHistory: h.showHistory, frame.TypeAck: h.showAck, frame.TypeRotated: h.showRotated,
		frame.TypeServerKey: h.showServerKey, frame.TypeError: h.showError,
	}[kind]
	if kind != "" && kind != frame.TypeChallenge {
		proven, err := h.isProven(data)
		if err != nil {
			return err
		}
		if !proven && kind != frame.TypeError {
			return fmt.Errorf("%w: a frame of type %s", device.ErrUnproven, harmless(kind))
		}
		if !proven {
			h.notice("%v", device.ErrUnproven)
		}
	}
	switch {
	case show != nil:
		return show(data)
	case kind == "":
		return h.showGatewayError(data)
	default:
		h.line(harmless(string(withoutMAC(data)))) // joined, left, pong: not sealed
	}
	return nil
}

// isProven reports whether a frame is authenticated under the session of the
// last proof.
func (h *frameSession) isProven(data []byte) (bool, error) {
	state, err := h.user.FrameSession()
	if err != nil || state.Session.IsZero() {
		return false, err
	}
	session, err := device.RestoreSession(state.Session)
	return err == nil && session.Verify(data) == nil, err
}

// withoutMAC returns an authenticated frame as it was before, for people.
func withoutMAC(data []byte) []byte {
	if envelope.HasMAC(data) {
		return append(slices.Clone(data[:len(data)-envelope.MACSize-1]), '}')
	}
	return data
}

// showGatewayError prints an error that API Gateway sends by itself: it has a
// message and no type.
func (h *frameSession) showGatewayError(data []byte) error {
	var f struct {
		Message *string `json:"message"`
	}
	if err := strict.Unmarshal(data, &f); err != nil {
		return malformed(err)
	}
	if f.Message == nil {
		return malformed(errors.New("it has no type"))
	}
	h.line("error from API Gateway, not from the service: send the frame again")
	return nil
}

// decode reads a frame of a known type.
func decode[T any](data []byte) (f T, err error) {
	if err := strict.Unmarshal(data, &f); err != nil {
		return f, malformed(err)
	}
	return f, nil
}

// malformed returns the error for a line that is not a whole frame.
func malformed(err error) error { return fmt.Errorf("malformed frame (%w); copy the whole line", err) }

func (h *frameSession) showChallenge(data []byte) error {
	f, err := decode[frame.Challenge](data)
	if err != nil {
		return err
	}
	keys, err := h.device.AcceptKeySet(f.KeySet)
	if err != nil {
		return err
	}
	h.line(fmt.Sprintf("challenge: key set %d of %s; answer it with: sotto frame prove --user %s",
		keys.Gen, harmless(keys.Audience), h.name))
	return nil
}

func (h *frameSession) showWelcome(data []byte) error {
	f, err := decode[frame.Welcome](data)
	if err != nil {
		return err
	}
	state, err := h.user.FrameSession()
	if err != nil {
		return err
	}
	w, err := h.device.OpenWelcome(f, state.Nonce)
	if err != nil {
		return err
	}
	state.SID = w.SID
	if err := h.user.SetFrameSession(state); err != nil {
		return err
	}
	rooms := make([]string, 0, len(w.Rooms))
	for _, room := range w.Rooms {
		rooms = append(rooms, fmt.Sprintf("%s (head %d, floor %d)", room.Room, room.Head, room.Floor))
	}
	h.line(harmless(fmt.Sprintf("welcome: %s, session %s, device %s, rooms: %s", w.User, w.SID, w.Device,
		strings.Join(rooms, ", "))))
	return nil
}

func (h *frameSession) showMessage(data []byte) error {
	f, err := decode[frame.Message](data)
	if err != nil {
		return err
	}
	m, err := h.device.OpenMessage(f)
	if err != nil {
		return err
	}
	return h.showText(m)
}

func (h *frameSession) showText(m client.Message) error {
	if m.NewDevice {
		h.notice("%s writes from a new device (%s)", m.From, m.Device)
	}
	h.line(fmt.Sprintf("message %s %d: %s", m.Room, m.Seq, h.text(m, "")))
	return nil
}

func (h *frameSession) showHistory(data []byte) error {
	f, err := decode[frame.History](data)
	if err != nil {
		return err
	}
	page, err := h.device.OpenHistory(f)
	if err != nil {
		return err
	}
	more := "the end"
	if f.More {
		more = fmt.Sprintf("more after %d", f.To)
	}
	h.line(harmless(fmt.Sprintf("history %s: %d messages, head %d, floor %d, %s", f.Room, len(page),
		f.Head, f.Floor, more)))
	for _, m := range page {
		if err := h.showText(m); err != nil {
			return err
		}
	}
	return nil
}

func (h *frameSession) showAck(data []byte) error {
	f, err := decode[frame.Ack](data)
	if err != nil {
		return err
	}
	again := ""
	if f.Duplicate {
		again = ", stored before"
	}
	h.line(harmless(fmt.Sprintf("ack %s %d: %s%s", f.Room, f.Seq, f.ID, again)))
	return nil
}

func (h *frameSession) showRotated(data []byte) error {
	f, err := decode[frame.Rotated](data)
	if err != nil {
		return err
	}
	state, err := h.user.FrameSession()
	if err != nil {
		return err
	}
	r, err := h.device.OpenRotated(f, state.SID)
	if err != nil {
		return err
	}
	h.line(fmt.Sprintf("rotated: generation %d", r.Gen))
	return nil
}

func (h *frameSession) showServerKey(data []byte) error {
	f, err := decode[frame.ServerKey](data)
	if err != nil {
		return err
	}
	return h.storeKeySet("serverKey", f.KeySet)
}

// storeKeySet stores a newer key set for the next seal.
func (h *frameSession) storeKeySet(what, token string) error {
	keys, err := h.device.AcceptKeySet(token)
	if err != nil {
		return err
	}
	state, err := h.user.FrameSession()
	if err != nil {
		return err
	}
	state.KeySet = token
	if err := h.user.SetFrameSession(state); err != nil {
		return err
	}
	h.line(fmt.Sprintf("%s: key set %d; seal again with it: sotto frame seal", what, keys.Gen))
	return nil
}

func (h *frameSession) showError(data []byte) error {
	f, err := decode[frame.Error](data)
	if err != nil {
		return err
	}
	retry := "do not send it again unchanged"
	if f.Retry {
		retry = "may be sent again"
	}
	h.line(harmless(fmt.Sprintf("error %s: %s (%s)", f.Code, f.Message, retry)))
	if f.KeySet != "" { // it is signed by itself
		return h.storeKeySet(string(f.Code), f.KeySet)
	}
	return nil
}
