package gateway

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"net"
	"net/http"
	"sync/atomic"
	"unicode/utf8"
)

// The WebSocket library returns whole messages, but API Gateway has rules for
// single frames: their size (A8.2) and their kind (A8.1). So an inspectedConn
// reads the frame headers in the client's bytes on their way to the library. It
// changes nothing. At the first frame that violates a rule it ends the stream
// with the close code to send.

// Opcodes (RFC 6455 §5.2).
const (
	opContinuation = 0x0
	opText         = 0x1
	opBinary       = 0x2
	opClose        = 0x8
	opPing         = 0x9
	opPong         = 0xA
)

// rsv1 is the first reserved bit of a frame header.
const rsv1 = 0x40

const (
	maxControlPayload = 125 // bytes (RFC 6455 §5.5)
	maxFrameHeader    = 10  // bytes: 2, and 8 of length (RFC 6455 §5.2); the mask counts as payload here
	maskLength        = 4   // bytes
)

// inspectedConn is the connection that the WebSocket library reads from. Only
// one goroutine may read at a time.
type inspectedConn struct {
	net.Conn
	source io.Reader // the bytes that the HTTP server has read ahead, then Conn
	frames frameScanner
	// violation is an error that the next Read returns.
	violation error
	// discarding is true after a violation. Reads then only look for the
	// client's close frame: closing a TCP connection with unread bytes resets
	// it, and the reset can overtake our close frame.
	discarding   bool
	closeSeen    atomic.Bool
	closeChecked bool
}

func (c *inspectedConn) Read(p []byte) (int, error) {
	if c.violation != nil {
		err := c.violation
		c.violation = nil
		return 0, err
	}
	if c.discarding {
		return 0, c.discard(p)
	}
	n, err := c.source.Read(p)
	good, closure := c.frames.scan(p[:n])
	c.closeSeen.Store(c.frames.closed)
	if closure == nil && c.frames.closed && !c.closeChecked {
		c.closeChecked = true
		if !c.validClose(p[:n]) {
			good, closure = max(0, c.frames.closeBody-1), invalidText
		}
	}
	if closure == nil {
		if err == io.EOF {
			err = errLost
		}
		return n, err
	}
	c.discarding = true
	c.frames.followOnly = true
	c.frames.scan(p[good+1 : n])
	if good > 0 {
		c.violation = closure
		return good, nil
	}
	return 0, closure
}

// validClose reports whether the reason of the client's close frame is UTF-8
// (RFC 6455 §5.5.1 and §8.1), which the library does not check. The frame's
// header ends in p. What p does not have of its body is read now, and given to
// the library later.
func (c *inspectedConn) validClose(p []byte) bool {
	body := bytes.Clone(p[c.frames.closeBody:])
	if missing := int(c.frames.payload) - len(body); missing > 0 {
		rest := make([]byte, missing)
		n, err := io.ReadFull(c.source, rest)
		c.source = io.MultiReader(bytes.NewReader(rest[:n]), c.source)
		if err != nil {
			return true // the connection is lost, as the next Read shows
		}
		body = append(body, rest...)
	}
	mask, text := body[:maskLength], body[maskLength:c.frames.payload]
	for i := range text {
		text[i] ^= mask[i%maskLength]
	}
	return len(text) < 2 || utf8.Valid(text[2:]) // after the code
}

// discard reads up to the client's close frame and returns io.EOF there. The
// library bounds the time that it waits for one.
func (c *inspectedConn) discard(p []byte) error {
	for !c.frames.closed {
		n, err := c.source.Read(p)
		c.frames.scan(p[:n])
		if err != nil {
			return err
		}
	}
	return io.EOF
}

// errLost replaces io.EOF. The library would take io.EOF between two fragments
// for the end of the message.
var errLost = errors.New("stream ended")

// frameScanner finds and checks the frame headers in a client's byte stream.
type frameScanner struct {
	maxFrame, maxMessage uint64 // bytes of payload
	followOnly           bool   // report no violations
	compressed           bool   // permessage-deflate was negotiated (RFC 7692)

	header     [maxFrameHeader]byte
	have, need int    // bytes of header; need is known after the second
	payload    uint64 // bytes of the current frame still to come, mask included
	fragmented bool   // a message has begun and has not ended
	message    uint64 // bytes of that message so far
	closed     bool   // a close frame has begun; what follows is ignored
	closeBody  int    // where its body begins in the bytes scanned last
}

// scan reads p. At a violation it stops after the header that has it, and
// returns the index of the header's last byte, so that the library never gets
// the whole header, and the closure to answer with.
func (s *frameScanner) scan(p []byte) (int, *closure) {
	for i := 0; i < len(p); {
		if s.closed {
			return len(p), nil
		}
		if s.payload > 0 {
			skip := min(s.payload, uint64(len(p)-i))
			s.payload -= skip
			i += int(skip)
			continue
		}
		s.header[s.have] = p[i]
		s.have++
		i++
		if s.have == 2 {
			s.need = headerLength(s.header[1])
		}
		if s.have < 2 || s.have < s.need {
			continue
		}
		s.have, s.need = 0, 0
		if violation := s.beginFrame(); violation != nil && !s.followOnly {
			return i - 1, violation
		}
		s.closeBody = i
	}
	return len(p), nil
}

// headerLength returns the length of a frame header without its mask. It
// follows from the second byte (RFC 6455 §5.2).
func headerLength(second byte) int {
	n := 2
	switch second & 0x7f {
	case 126:
		n += 2
	case 127:
		n += 8
	}
	return n
}

// payloadLength returns the length in the complete header (RFC 6455 §5.2).
func (s *frameScanner) payloadLength() uint64 {
	switch length := s.header[1] & 0x7f; length {
	case 126:
		return uint64(binary.BigEndian.Uint16(s.header[2:]))
	case 127:
		return binary.BigEndian.Uint64(s.header[2:])
	default:
		return uint64(length)
	}
}

// reservedBits returns the reserved bits that have no meaning for a frame.
func (s *frameScanner) reservedBits(first byte) byte {
	reserved := first & 0x70
	if opcode := first & 0x0f; s.compressed && (opcode == opText || opcode == opBinary) {
		reserved &^= rsv1 // a compressed message (RFC 7692 §6)
	}
	return reserved
}

// beginFrame reads the complete header and sets the payload to expect. It
// returns the closure for a violation, or nil.
func (s *frameScanner) beginFrame() *closure {
	first, second := s.header[0], s.header[1]
	length := s.payloadLength()
	fin, opcode, masked := first&0x80 != 0, first&0x0f, second&0x80 != 0
	s.payload = length
	if masked && length <= math.MaxUint64-maskLength {
		s.payload += maskLength
	}
	s.closed = opcode == opClose

	if s.reservedBits(first) != 0 || !masked || length>>63 != 0 {
		return protocolError
	}
	switch opcode {
	case opClose, opPing, opPong:
		if !fin || length > maxControlPayload {
			return protocolError
		}
		return nil
	case opContinuation:
		if !s.fragmented {
			return protocolError
		}
	case opText, opBinary:
		if s.fragmented {
			return protocolError
		}
		if opcode == opBinary {
			return unsupportedData
		}
		s.message = 0
	default:
		return protocolError
	}
	s.message += length
	if length > s.maxFrame || s.message > s.maxMessage {
		return messageTooBig
	}
	s.fragmented = !fin
	return nil
}

// inspectedWriter is an http.ResponseWriter whose hijacked connection is
// inspected.
type inspectedWriter struct {
	http.ResponseWriter
	limits Limits
	conn   *inspectedConn // set by Hijack
}

// Hijack takes over the connection. The bytes that the server has read ahead
// pass the inspector too, so a client that does not wait for the 101 cannot
// bypass it with a frame.
func (w *inspectedWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	ahead, err := rw.Reader.Peek(rw.Reader.Buffered())
	if err != nil {
		conn.Close()
		return nil, nil, err
	}
	w.conn = &inspectedConn{
		Conn:   conn,
		source: io.MultiReader(bytes.NewReader(bytes.Clone(ahead)), conn),
		frames: frameScanner{
			maxFrame:   uint64(w.limits.Frame),
			maxMessage: uint64(w.limits.Message),
			compressed: w.compressed(),
		},
	}
	return w.conn, bufio.NewReadWriter(bufio.NewReader(w.conn), rw.Writer), nil
}

// compressed reports whether the handshake negotiates compression. The library
// sets this header before it calls Hijack.
func (w *inspectedWriter) compressed() bool { return w.Header().Get("Sec-WebSocket-Extensions") != "" }
