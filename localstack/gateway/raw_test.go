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

// rawClient is a client that writes frames byte by byte.
type rawClient struct {
	net.Conn
	t      *testing.T
	reader *bufio.Reader
}

// handshake is a handshake of a client without a User-Agent.
const handshake = "GET /prod HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
	"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"

// dialRaw opens a connection. It sends the early bytes together with the
// handshake.
func (s *stack) dialRaw(early ...byte) *rawClient {
	s.t.Helper()
	conn, err := net.Dial("tcp", s.sockets.Listener.Addr().String())
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(patience))
	c := &rawClient{Conn: conn, t: s.t, reader: bufio.NewReader(conn)}
	c.write(append([]byte(handshake), early...))
	response, err := http.ReadResponse(c.reader, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	if response.StatusCode != http.StatusSwitchingProtocols {
		s.t.Fatalf("got %s, want 101", response.Status)
	}
	return c
}

func (c *rawClient) write(b []byte) {
	c.t.Helper()
	if _, err := c.Write(b); err != nil {
		c.t.Fatalf("write: %v", err)
	}
}

// readFrame returns the next frame of the server.
func (c *rawClient) readFrame() (opcode byte, payload []byte) {
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

// wantClose reads a close frame and compares its code, answers it (RFC 6455
// §5.5.1), and returns its reason.
func (c *rawClient) wantClose(code uint16) string {
	c.t.Helper()
	opcode, payload := c.readFrame()
	if opcode != opClose || len(payload) < 2 {
		c.t.Fatalf("got frame %x %q, want a close frame", opcode, payload)
	}
	if got := binary.BigEndian.Uint16(payload); got != code {
		c.t.Errorf("got close frame %d %q, want %d", got, payload[2:], code)
	}
	c.write(frame(fin|opClose, payload[:2]))
	return string(payload[2:])
}

// frame returns a masked frame; first is the byte with FIN, RSV and opcode.
func frame(first byte, payload []byte) []byte {
	b := frameHeader(first, uint64(len(payload)))
	mask := b[len(b)-4:]
	for i, p := range payload {
		b = append(b, p^mask[i%4])
	}
	return b
}

// frameHeader returns the header of a masked frame with the shortest length
// field.
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

// fin is the bit of a message's last frame.
const fin = 0x80
