package gateway

import (
	"bufio"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"testing"
	"time"
)

// raw is a client that writes its own bytes.
type raw struct {
	net.Conn
	t      *testing.T
	reader *bufio.Reader
}

const handshake = "GET /prod HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
	"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"

// dialRaw opens a connection; early bytes are sent with the handshake, before
// its answer.
func (s *stack) dialRaw(early ...byte) *raw {
	s.t.Helper()
	conn, err := net.Dial("tcp", s.sockets.Listener.Addr().String())
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(patience))
	c := &raw{Conn: conn, t: s.t, reader: bufio.NewReader(conn)}
	c.write(append([]byte(handshake), early...))
	response, err := http.ReadResponse(c.reader, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	if response.StatusCode != http.StatusSwitchingProtocols {
		s.t.Fatalf("handshake answered %s", response.Status)
	}
	return c
}

func (c *raw) write(b []byte) {
	c.t.Helper()
	if _, err := c.Write(b); err != nil {
		c.t.Fatalf("write: %v", err)
	}
}

// readFrame returns the next frame of the server.
func (c *raw) readFrame() (opcode byte, payload []byte) {
	c.t.Helper()
	var header [2]byte
	if _, err := io.ReadFull(c.reader, header[:]); err != nil {
		c.t.Fatalf("read frame: %v", err)
	}
	length := uint64(header[1])
	switch length {
	case 126:
		var b [2]byte
		io.ReadFull(c.reader, b[:])
		length = uint64(binary.BigEndian.Uint16(b[:]))
	case 127:
		var b [8]byte
		io.ReadFull(c.reader, b[:])
		length = binary.BigEndian.Uint64(b[:])
	}
	payload = make([]byte, length)
	if _, err := io.ReadFull(c.reader, payload); err != nil {
		c.t.Fatalf("read frame: %v", err)
	}
	return header[0] & 0x0f, payload
}

// wantClose reads a close frame, answers it as RFC 6455 asks, and returns its
// reason.
func (c *raw) wantClose(code uint16) string {
	c.t.Helper()
	opcode, payload := c.readFrame()
	if opcode != opClose || len(payload) < 2 {
		c.t.Fatalf("got frame %x %q, want a close frame", opcode, payload)
	}
	if got := binary.BigEndian.Uint16(payload); got != code {
		c.t.Errorf("closed with %d %q, want %d", got, payload[2:], code)
	}
	c.write(frame(fin|opClose, payload[:2]))
	return string(payload[2:])
}

// frame builds a masked frame; first is FIN, RSV and opcode.
func frame(first byte, payload []byte) []byte {
	b := frameHeader(first, uint64(len(payload)))
	mask := b[len(b)-4:]
	for i, p := range payload {
		b = append(b, p^mask[i%4])
	}
	return b
}

// frameHeader builds the header of a masked frame in the shortest form.
func frameHeader(first byte, length uint64) []byte {
	b := []byte{first}
	switch {
	case length < 126:
		b = append(b, 0x80|byte(length))
	case length < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, 0x80|126), uint16(length))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 0x80|127), length)
	}
	return append(b, 0x12, 0x34, 0x56, 0x78)
}

const fin = 0x80
