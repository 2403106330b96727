package dynamodb

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
)

// rawClient sends requests without an SDK and without net/http. Tests and
// benchmarks that measure a server use it: the client shares the processors
// with the server, so it must cost little.
type rawClient struct {
	address string
	head    string        // the start of every request, up to the operation's name
	conns   chan *rawConn // idle connections; nil for one that is not open
}

// newRawClient returns a client with at most this many connections. Further
// calls wait.
func newRawClient(url string, connections int) *rawClient {
	address := strings.TrimPrefix(url, "http://")
	// dynalite requires a well-formed signature but does not verify it.
	head := "POST / HTTP/1.1\r\nHost: " + address + "\r\nContent-Type: " + contentType +
		"\r\nX-Amz-Date: 20261101T000000Z\r\n" +
		"Authorization: AWS4-HMAC-SHA256 Credential=a/20261101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=b\r\n" +
		"X-Amz-Target: " + targetPrefix
	c := &rawClient{address, head, make(chan *rawConn, connections)}
	for range connections {
		c.conns <- nil
	}
	return c
}

// call sends one request. It returns an error for any status other than 200.
func (c *rawClient) call(operation, body string) (answer string, err error) {
	conn := <-c.conns
	defer func() { c.conns <- conn }()
	if conn == nil {
		dialled, err := net.Dial("tcp", c.address)
		if err != nil {
			return "", err
		}
		conn = &rawConn{Conn: dialled, in: bufio.NewReaderSize(dialled, 64<<10)}
	}
	answer, err = conn.call(c.head, operation, body)
	if err != nil {
		conn.Close()
		conn = nil
	}
	return answer, err
}

// hangUp closes all connections, before the server closes them as idle. No call
// may be in progress.
func (c *rawClient) hangUp() {
	for range cap(c.conns) {
		if conn := <-c.conns; conn != nil {
			conn.Close()
		}
		c.conns <- nil
	}
}

// rawConn is a connection that carries one request at a time.
type rawConn struct {
	net.Conn
	in  *bufio.Reader
	out []byte
}

func (c *rawConn) call(head, operation, body string) (string, error) {
	c.out = append(c.out[:0], head...)
	c.out = append(c.out, operation...)
	c.out = append(c.out, "\r\nContent-Length: "...)
	c.out = strconv.AppendInt(c.out, int64(len(body)), 10)
	c.out = append(c.out, "\r\n\r\n"...)
	c.out = append(c.out, body...)
	if _, err := c.Write(c.out); err != nil {
		return "", err
	}
	status, length, err := c.header()
	if err != nil {
		return "", err
	}
	answer := make([]byte, length)
	if _, err := io.ReadFull(c.in, answer); err != nil {
		return "", err
	}
	if status != "200" {
		return "", fmt.Errorf("%s: %s: %.300s", operation, status, answer)
	}
	return string(answer), nil
}

// header reads a response up to its body. The response must have a
// Content-Length.
func (c *rawConn) header() (status string, length int, err error) {
	line, err := c.in.ReadSlice('\n')
	if err != nil {
		return "", 0, err
	}
	if len(line) < len("HTTP/1.1 200") {
		return "", 0, fmt.Errorf("not HTTP: %q", line)
	}
	status, length = string(line[9:12]), -1
	for {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return "", 0, err
		}
		if len(bytes.TrimSpace(line)) == 0 {
			break
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		if bytes.EqualFold(name, []byte("Content-Length")) {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return "", 0, err
			}
		}
	}
	if length < 0 {
		return "", 0, fmt.Errorf("%s without Content-Length", status)
	}
	return status, length, nil
}
