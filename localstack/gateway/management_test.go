package gateway

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi"
	"github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi/types"
	"github.com/aws/smithy-go"
	"github.com/coder/websocket"
)

// unknownID is a valid id of no connection.
const unknownID = "eHrdFcnvvHcCE-w="

func TestC1_Requests(t *testing.T) {
	t.Parallel()
	s := start(t, basicFunctions, nil)
	c := s.dial()
	path := "/prod/@connections/" + url.PathEscape(c.id)
	for _, method := range []string{http.MethodPost, http.MethodGet, http.MethodDelete} {
		response, body := s.request(method, path, "x", false)
		if response.StatusCode != 403 || body != `{"message":"Missing Authentication Token"}` {
			t.Errorf("%s, unsigned: got %s %s, want 403 Missing Authentication Token", method, response.Status, body)
		}
		if response, body := s.request(method, path, "x", true); response.StatusCode >= 300 {
			t.Errorf("%s: got %s %s, want success", method, response.Status, body)
		}
	}
	c.wantReceive("x")
	c.wantClosed(1000, "Connection Closed Normally")
}

func TestC2_PathForms(t *testing.T) {
	t.Parallel()
	s := start(t, basicFunctions, nil)
	c := s.dial()
	plain, encoded := c.id, url.PathEscape(c.id)
	twice := ""
	for _, b := range []byte(c.id) {
		twice += fmt.Sprintf("%%%02x", b)
	}
	for i, path := range []string{
		"/prod/@connections/" + encoded, "/prod/@connections/" + plain, "/prod/%40connections/" + encoded,
		"/%70rod/@connections/" + twice, "/@connections/" + encoded, "/%40connections/" + encoded,
		"/%40connections/" + plain,
	} {
		text := fmt.Sprint("message ", i)
		response, body := s.request(http.MethodPost, path, text, true)
		if response.StatusCode != 200 || body != "" {
			t.Errorf("%s: got %s %q, want 200 without a body", path, response.Status, body)
			continue
		}
		if got := c.receive(); got != text {
			t.Errorf("%s: got message %q, want %q", path, got, text)
		}
	}
}

func TestC3_Success(t *testing.T) {
	t.Parallel()
	s := start(t, basicFunctions, nil)
	c := s.dial()
	path := "/prod/@connections/" + url.PathEscape(c.id)
	for _, test := range []struct {
		method string
		status int
		empty  bool
	}{{http.MethodPost, 200, true}, {http.MethodGet, 200, false}, {http.MethodDelete, 204, true}} {
		response, body := s.request(test.method, path, "hello", true)
		if response.StatusCode != test.status || (body == "") != test.empty ||
			!test.empty && response.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s: got %s %v %q, want %d, empty body %t", test.method, response.Status,
				response.Header, body, test.status, test.empty)
		}
	}
	c.wantReceive("hello")
}

func TestC4_GetConnection(t *testing.T) {
	t.Parallel()
	s := start(t, basicFunctions, nil)
	c, _, err := s.tryDial("/prod", &websocket.DialOptions{HTTPHeader: http.Header{"User-Agent": {"tester"}}})
	if err != nil {
		t.Fatal(err)
	}
	e, _ := s.event("$connect")
	s.clock.Advance(90 * time.Second)
	c.send("x")
	s.event("$default")
	id := e.RequestContext.ConnectionID
	_, body := s.request(http.MethodGet, "/prod/@connections/"+url.PathEscape(id), "", true)
	const want = `{"connectedAt":"2024-11-11T11:35:24.561Z",` +
		`"identity":{"userAgent":"tester","sourceIp":"127.0.0.1"},"lastActiveAt":"2024-11-11T11:36:54.561Z"}`
	if strings.TrimSpace(body) != want {
		t.Errorf("got body %s, want %s", body, want)
	}
	out, err := s.management().GetConnection(t.Context(),
		&apigatewaymanagementapi.GetConnectionInput{ConnectionId: &id})
	if err != nil {
		t.Fatal(err)
	}
	if out.ConnectedAt == nil || out.ConnectedAt.UnixMilli() != 1731324924561 || out.LastActiveAt == nil ||
		out.LastActiveAt.Sub(*out.ConnectedAt) != 90*time.Second ||
		*out.Identity.SourceIp != "127.0.0.1" || *out.Identity.UserAgent != "tester" {
		t.Errorf("got output %+v, want the times and identity of %s", out, want)
	}
}

func TestC5_Gone(t *testing.T) {
	t.Parallel()
	s := start(t, basicFunctions, nil)
	c := s.dial()
	c.Close(1000, "")
	s.event("$disconnect")
	client := s.management()
	for _, id := range []string{unknownID, c.id} {
		_, posting := client.PostToConnection(t.Context(), &apigatewaymanagementapi.PostToConnectionInput{
			ConnectionId: &id,
			Data:         []byte("x"),
		})
		_, getting := client.GetConnection(t.Context(), &apigatewaymanagementapi.GetConnectionInput{ConnectionId: &id})
		_, deleting := client.DeleteConnection(t.Context(),
			&apigatewaymanagementapi.DeleteConnectionInput{ConnectionId: &id})
		for _, err := range []error{posting, getting, deleting} {
			if gone := (*types.GoneException)(nil); !errors.As(err, &gone) {
				t.Errorf("%s: got error %v, want GoneException", id, err)
			}
		}
		response, body := s.request(http.MethodPost, "/prod/@connections/"+url.PathEscape(id), "x", true)
		if response.StatusCode != 410 || response.Header.Get("x-amzn-ErrorType") != "GoneException" || body != "" {
			t.Errorf("%s: got %s %v %q, want 410 GoneException without a body", id, response.Status,
				response.Header, body)
		}
	}
}

func TestC5_InvalidID(t *testing.T) {
	t.Parallel()
	s := start(t, nil, nil)
	for _, id := range []string{"abc", "cjy8i76bx002884le6n17d49b", "a/b+c===", "%", `"<é>`, strings.Repeat("A", 132)} {
		for _, method := range []string{http.MethodPost, http.MethodGet, http.MethodDelete} {
			response, body := s.request(method, "/prod/@connections/"+url.PathEscape(id), "x", true)
			if response.StatusCode != 400 || !strings.HasPrefix(body, `{"message": "Invalid connectionId: `) {
				t.Errorf("%s %q: got %s %s, want 400 Invalid connectionId", method, id, response.Status, body)
			}
		}
		var failure smithy.APIError
		if err := s.post(id, "x"); !errors.As(err, &failure) || failure.ErrorCode() != "BadRequestException" ||
			failure.ErrorMessage() != "Invalid connectionId: "+id {
			t.Errorf("%q: got error %v, want BadRequestException with the id", id, err)
		}
	}

	s = start(t, nil, func(o *Options) { o.Inferred.MalformedIDGone = true })
	for method, want := range map[string]int{http.MethodPost: 400, http.MethodGet: 410, http.MethodDelete: 410} {
		if response, _ := s.request(method, "/prod/@connections/abc", "x", true); response.StatusCode != want {
			t.Errorf("%s with the option: got %s, want %d", method, response.Status, want)
		}
	}
}

func TestC5_Forbidden(t *testing.T) {
	t.Parallel()
	s := start(t, basicFunctions, nil)
	c := s.dial()
	id := url.PathEscape(c.id)
	for _, request := range [][2]string{
		{"POST", "/dev/@connections/" + id}, {"GET", "/dev/@connections/" + id},
		{"POST", "/prod/connections/" + id}, {"POST", "/" + id},
		{"POST", "/prod/x/@connections/" + id}, {"POST", "/prod/@connections"}, {"POST", "/"},
		{"POST", "//@connections/" + id},
		{"PUT", "/prod/@connections/" + id}, {"PATCH", "/@connections/" + id}, {"POST", "/prod%2f@connections/" + id},
	} {
		response, body := s.request(request[0], request[1], "x", true)
		if response.StatusCode != 403 || response.Header.Get("x-amzn-ErrorType") != "ForbiddenException" ||
			body != `{"message":"Forbidden"}` {
			t.Errorf("%v: got %s %v %q, want 403 ForbiddenException", request, response.Status,
				response.Header, body)
		}
	}
	client := apigatewaymanagementapi.New(s.management().Options(), func(o *apigatewaymanagementapi.Options) {
		dev := s.posts.URL + "/dev"
		o.BaseEndpoint = &dev
	})
	_, err := client.PostToConnection(t.Context(), &apigatewaymanagementapi.PostToConnectionInput{
		ConnectionId: &c.id,
		Data:         []byte("x"),
	})
	if forbidden := (*types.ForbiddenException)(nil); !errors.As(err, &forbidden) {
		t.Errorf("SDK: got error %v, want ForbiddenException", err)
	}
}

func TestSigV4MustBePresent(t *testing.T) {
	t.Parallel()
	s := start(t, basicFunctions, nil)
	c := s.dial()
	for _, authorization := range []string{
		"", "Bearer x", "AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256 Credential=A",
		"AWS4-HMAC-SHA256 Signature=0, SignedHeaders=host",
	} {
		r, err := http.NewRequest(http.MethodPost, s.posts.URL+"/prod/@connections/"+url.PathEscape(c.id),
			strings.NewReader("x"))
		if err != nil {
			t.Fatal(err)
		}
		if authorization != "" {
			r.Header.Set("Authorization", authorization)
		}
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		errorType := response.Header.Get("x-amzn-ErrorType")
		if response.StatusCode != 403 || errorType != "MissingAuthenticationTokenException" {
			t.Errorf("Authorization %q: got %s, want 403 MissingAuthenticationTokenException",
				authorization, response.Status)
		}
	}
	response, body := s.request(http.MethodPost, "/prod/@connections/x", "x", false)
	if response.StatusCode != 403 || body != `{"message":"Missing Authentication Token"}` {
		t.Errorf("got %s %s, want 403 Missing Authentication Token", response.Status, body)
	}
}

func TestConnectionsBelongToTheirAPI(t *testing.T) {
	t.Parallel()
	s := start(t, basicFunctions, func(o *Options) {
		second := o.APIs[0]
		second.ID, second.Stage = "api2", "dev"
		o.APIs = append(o.APIs, second)
	})
	c := s.dial() // of api1, prod
	id := url.PathEscape(c.id)
	for path, want := range map[string]int{
		"/prod/@connections/": 200, "/@connections/": 200, "/dev/@connections/": 410,
	} {
		if response, _ := s.request(http.MethodPost, path+id, "x", true); response.StatusCode != want {
			t.Errorf("%s: got %s, want %d", path, response.Status, want)
		}
	}
}

func TestC5_PayloadTooLarge(t *testing.T) {
	t.Parallel()
	s := start(t, basicFunctions, nil)
	c := s.dial()
	most := strings.Repeat("x", 131072)
	s.mustPost(c.id, most)
	c.wantReceive(most)
	for _, size := range []int{131073, 10 << 20} {
		err := s.post(c.id, strings.Repeat("x", size))
		if large := (*types.PayloadTooLargeException)(nil); !errors.As(err, &large) || large.ErrorMessage() == "" {
			t.Errorf("%d bytes: got error %v, want PayloadTooLargeException", size, err)
		}
	}
}

func TestC6_GoneDuringConnect(t *testing.T) {
	t.Parallel()
	posted := make(chan error, 1)
	var s *stack
	ready := make(chan struct{})
	s = start(t, map[string]function{"$connect": func(_ context.Context, event []byte) ([]byte, string, error) {
		<-ready
		var id string
		if _, rest, found := strings.Cut(string(event), `"connectionId":"`); found {
			id, _, _ = strings.Cut(rest, `"`)
		}
		posted <- s.post(id, "too early")
		return []byte(ok), "", nil
	}}, nil)
	close(ready)
	c := s.dial()
	if gone, err := (*types.GoneException)(nil), <-posted; !errors.As(err, &gone) {
		t.Errorf("post during $connect: got error %v, want GoneException", err)
	}
	s.mustPost(c.id, "in time") // a client that has the 101 can be posted to
	c.wantReceive("in time")
}

func TestC9_EmptyPost(t *testing.T) {
	t.Parallel()
	s := start(t, basicFunctions, nil)
	c := s.dial()
	s.mustPost(c.id, "")
	c.wantReceive("")
	s = start(t, basicFunctions, func(o *Options) { o.Inferred.EmptyPostRefused = true })
	c = s.dial()
	if failure := smithy.APIError(nil); !errors.As(s.post(c.id, ""), &failure) ||
		failure.ErrorCode() != "BadRequestException" {
		t.Errorf("with the option: got error %v, want BadRequestException", failure)
	}
}

func TestC10_PostsAreTextFrames(t *testing.T) {
	t.Parallel()
	for _, binary := range []bool{false, true} {
		s := start(t, map[string]function{"$connect": returns(ok)},
			func(o *Options) { o.Inferred.BinaryPosts = binary })
		c := s.dialRaw()
		e, _ := s.event("$connect")
		for _, data := range []string{"text", "\xff\x00"} {
			s.mustPost(e.RequestContext.ConnectionID, data)
			want := byte(opText)
			if binary && data != "text" {
				want = opBinary
			}
			if opcode, payload := c.readFrame(); opcode != want || string(payload) != data {
				t.Errorf("posted %q: got frame %x %q, want opcode %x", data, opcode, payload, want)
			}
		}
	}
}

func TestA8_5_Delete(t *testing.T) {
	t.Parallel()
	s := start(t, basicFunctions, nil)
	c := s.dial()
	for i := range 50 {
		s.mustPost(c.id, fmt.Sprint(i))
	}
	if _, err := s.management().DeleteConnection(t.Context(),
		&apigatewaymanagementapi.DeleteConnectionInput{ConnectionId: &c.id}); err != nil {
		t.Fatal(err)
	}
	if gone := (*types.GoneException)(nil); !errors.As(s.post(c.id, "too late"), &gone) {
		t.Error("got no GoneException for a post to a deleted connection, want one")
	}
	for i := range 50 { // earlier posts come before the close frame
		c.wantReceive(fmt.Sprint(i))
	}
	c.wantClosed(1000, "Connection Closed Normally")
	s.wantDisconnect(1000, "Connection Closed Normally")
}
