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
)

// The WebSocket library hands over whole messages, but API Gateway has rules
// for single frames: their size (A8.2), their kind (A8.1). So the client's
// bytes pass an inspector on their way to the library. It reads frame headers,
// changes nothing, and at the first frame that breaks a rule it ends the stream
// with the close code to answer.

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
	maxFrameHeader    = 10  // bytes: two, eight of length (RFC 6455 §5.2); the mask is taken for payload here
	maskLength        = 4   // bytes
)

// inspectedConn is the connection that the WebSocket library reads from. Reads
// come from one goroutine at a time.
type inspectedConn struct {
	net.Conn
	source io.Reader // what the HTTP server had read ahead, then Conn
	frames frameScanner
	broken error // the broken rule, still to be reported
	// discarding, after a broken rule, reads on only to find the client's close
	// frame: a TCP connection closed over unread bytes is reset, and the reset
	// can overtake our close frame and its code.
	discarding bool
	closeSeen  atomic.Bool
}

func (c *inspectedConn) Read(p []byte) (int, error) {
	if c.broken != nil {
		err := c.broken
		c.broken = nil
		return 0, err
	}
	if c.discarding {
		return 0, c.discard(p)
	}
	n, err := c.source.Read(p)
	good, closure := c.frames.scan(p[:n])
	c.closeSeen.Store(c.frames.closed)
	if closure == nil {
		if err == io.EOF {
			err = errLost
		}
		return n, err
	}
	c.discarding = true
	c.frames.lenient = true
	c.frames.scan(p[good+1 : n])
	if good > 0 {
		c.broken = closure
		return good, nil
	}
	return 0, closure
}

// discard ends with io.EOF at the client's close frame; the library bounds the
// time it waits for one.
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

// errLost stands for io.EOF, which the library would take for the end of the
// message when it comes between two fragments.
var errLost = errors.New("stream ended")

// frameScanner follows the frame headers in a client's byte stream.
type frameScanner struct {
	maxFrame, maxMessage uint64 // bytes of payload
	lenient              bool   // follow only, judge nothing
	compressed           bool   // permessage-deflate was negotiated (RFC 7692)

	header     [maxFrameHeader]byte
	have, need int    // bytes of header; need is known from the second on
	payload    uint64 // bytes of the current frame still to come, mask included
	fragmented bool   // a message has begun and not ended
	message    uint64 // bytes of that message so far
	closed     bool   // a close frame has begun; nothing after it counts
}

// scan follows p. At a broken rule it stops behind the header that broke it,
// and returns the index of the header's last byte, so that the library never
// sees that header whole, and the close to answer with.
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
		if broken := s.begin(); broken != nil && !s.lenient {
			return i - 1, broken
		}
	}
	return len(p), nil
}

// headerLength is the length of a frame header without its mask, by its second
// byte (RFC 6455 §5.2).
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

// begin judges a complete header and expects its payload.
func (s *frameScanner) begin() *closure {
	first, second := s.header[0], s.header[1]
	length := uint64(second & 0x7f)
	switch length {
	case 126:
		length = uint64(binary.BigEndian.Uint16(s.header[2:]))
	case 127:
		length = binary.BigEndian.Uint64(s.header[2:])
	}
	fin, opcode, masked := first&0x80 != 0, first&0x0f, second&0x80 != 0
	s.payload = length
	if masked && length <= math.MaxUint64-maskLength {
		s.payload += maskLength
	}
	s.closed = opcode == opClose

	reserved := first & 0x70
	if s.compressed && (opcode == opText || opcode == opBinary) {
		reserved &^= rsv1 // a compressed message (RFC 7692 §6)
	}
	if reserved != 0 || !masked || length>>63 != 0 {
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

// Hijack hands over the connection and moves what the server had already read
// from it behind the inspector, so that a client that does not wait for the 101
// gets no frame past it.
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

// compressed reports whether the answer to the handshake, which the library
// writes before it hijacks, negotiates compression.
func (w *inspectedWriter) compressed() bool { return w.Header().Get("Sec-WebSocket-Extensions") != "" }
