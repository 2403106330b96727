package lambda_test

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sotto-chat/sotto/localstack/lambda"
)

const extensionPath = "/2020-01-01/extension"

// named sets the name of an extension in a request.
func named(name string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("Lambda-Extension-Name", name) }
}

// identified sets the identifier of an extension in a request.
func identified(id string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("Lambda-Extension-Identifier", id) }
}

// register registers an extension and returns its identifier.
func (rt *runtimeClient) register(name, events string) (id string) {
	rt.t.Helper()
	res, body := rt.do("POST", extensionPath+"/register", strings.NewReader(`{"events":`+events+`}`), named(name))
	if res.StatusCode != http.StatusOK {
		rt.t.Fatalf("register %s: %s %s", name, res.Status, body)
	}
	return res.Header.Get("Lambda-Extension-Identifier")
}

// event asks for an extension's next event and sends it to the channel.
func (rt *runtimeClient) event(id string) <-chan string {
	return rt.ask(extensionPath+"/event/next", id)
}

// ask sends a GET and sends the body of the answer to the channel.
func (rt *runtimeClient) ask(path, id string) <-chan string {
	got := make(chan string, 1)
	go func() {
		req, err := http.NewRequestWithContext(rt.t.Context(), "GET", rt.base+path, nil)
		if err != nil {
			return
		}
		identified(id)(req)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return
		}
		defer res.Body.Close()
		var text strings.Builder
		if err := res.Write(&text); err == nil {
			_, body, _ := strings.Cut(text.String(), "\r\n\r\n")
			got <- body
		}
	}()
	return got
}

func TestD4_6_Registration(t *testing.T) {
	rt, _ := puppet(t, "{}")
	const register = extensionPath + "/register"
	rt.want(403, "Extension.InvalidExtensionName", "POST", register, `{"events":[]}`)
	rt.want(403, "InvalidRequestFormat", "POST", register, `events`, named("mine"))
	rt.want(403, "Extension.InvalidEventType", "POST", register, `{"events":["INVOKE","SHUTDOWN"]}`, named("mine"))
	rt.want(403, "Extension.InvalidEventType", "POST", register, `{"events":["PAUSE"]}`, named("mine"))
	rt.want(403, "Extension.MissingExtensionIdentifier", "GET", extensionPath+"/event/next", "")
	rt.want(403, "Extension.InvalidExtensionIdentifier", "GET", extensionPath+"/event/next", "", identified("mine"))
	rt.want(403, "Extension.UnknownExtensionIdentifier", "GET", extensionPath+"/event/next", "",
		identified("00000000-0000-4000-8000-000000000000"))

	res, body := rt.do("POST", register, strings.NewReader(`{"events":null}`), named("mine"), func(r *http.Request) {
		r.Header.Set("Lambda-Extension-Accept-Feature", "accountId")
	})
	if res.StatusCode != 200 || len(res.Header.Get("Lambda-Extension-Identifier")) != 36 ||
		body != `{"functionName":"f","functionVersion":"$LATEST","handler":"bootstrap","accountId":"000000000000"}` {
		t.Errorf("register: got %s %s, want 200 with the function and the account", res.Status, body)
	}
	rt.event(res.Header.Get("Lambda-Extension-Identifier"))
	rt.want(403, "Extension.InvalidExtensionState", "POST", register, `{}`, named("mine"))
	for i := range 9 {
		rt.event(rt.register(string(rune('a'+i)), "[]"))
	}
	rt.want(403, "Extension.TooManyExtensions", "POST", register, `{}`, named("another"))
	rt.next()
	rt.want(403, "Extension.RegistrationClosed", "POST", register, `{}`, named("late"))
}

// An invocation ends only when the extension has asked for its next event too.
func TestD4_6_InvokeEvents(t *testing.T) {
	rt, result := puppet(t, "{}")
	id := rt.register("watcher", `["INVOKE"]`)
	quiet := rt.register("silent", `[]`)
	asked := make(chan string, 1)
	go func() { asked <- rt.next() }()
	first, none := rt.event(id), rt.event(quiet)
	request := <-asked
	if got := <-first; !regexp.MustCompile(`^{"eventType":"INVOKE","deadlineMs":\d{13},"requestId":"` + request +
		`","invokedFunctionArn":"arn:aws:lambda:us-east-1:000000000000:function:f","tracing":{"type":"X-Amzn-Trace-Id","value":"Root=1-[^"]*"}}$`).MatchString(got) {
		t.Errorf("the extension got %s, want the INVOKE event of %s", got, request)
	}
	rt.want(202, ok, "POST", apiPath+"/invocation/"+request+"/response", `"done"`)
	if got := <-result; string(got.Payload) != `"done"` {
		t.Errorf("got the result %s, want \"done\"", got.Payload)
	}
	rt.ask(apiPath+"/invocation/next", "")
	if state := rt.st.Instances()[0].State; state != lambda.StateResponded {
		t.Errorf("before the extension asks: got state %s, want %s", state, lambda.StateResponded)
	}
	rt.event(id)
	eventually(t, "the instance is idle", func() bool { return rt.st.states("f")[lambda.StateIdle] == 1 })
	select {
	case got := <-none:
		t.Errorf("the extension without events got %s, want nothing", got)
	default:
	}
}

func TestD4_6_ExtensionErrors(t *testing.T) {
	for path, want := range map[string]string{
		"/init/error": `{"errorType":"Extension.InitError","errorMessage":"RequestId: ID Error: Extension.NoLicence"}`,
		"/exit/error": `{"errorType":"Extension.ExitError","errorMessage":"RequestId: ID Error: Extension.NoLicence"}`,
	} {
		t.Run(path[1:5], func(t *testing.T) {
			rt, result := puppet(t, "{}")
			id := rt.register("watcher", `["INVOKE"]`)
			rt.want(403, "Extension.MissingHeader", "POST", extensionPath+path, "{}", identified(id))
			cause := func(r *http.Request) {
				r.Header.Set("Lambda-Extension-Function-Error-Type", "Extension.NoLicence")
			}
			if path == "/exit/error" { // during an invocation
				rt.event(id)
				rt.next()
			}
			rt.want(202, ok, "POST", extensionPath+path, "{}", identified(id), cause)
			if path == "/init/error" { // a failed initialization is retried
				again := rt.another()
				again.want(202, ok, "POST", extensionPath+path, "{}",
					identified(again.register("watcher", `[]`)), cause)
			}
			got := <-result
			if text := strings.ReplaceAll(string(got.Payload), got.RequestID, "ID"); text != want {
				t.Errorf("got the result %s, want %s", text, want)
			}
		})
	}
}

func TestD4_5_SIGTERMIsForExtensions(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	warned, ignored, unsent := filepath.Join(dir, "warned"), filepath.Join(dir, "ignored"), filepath.Join(dir, "unsent")
	st := serve(t, nil,
		function("warned", env("SIGTERM", warned)),
		function("stubborn", env("SIGTERM", ignored), env("STUBBORN", "1")),
		function("plain", env("NOTIFY", unsent)))
	for _, name := range []string{"warned", "stubborn", "plain"} {
		st.invoke(t, name, event{})
	}
	begun := time.Now()
	if err := st.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begun); took < 500*time.Millisecond {
		t.Errorf("Close took %v, want at least 500ms for the process that ignores SIGTERM", took)
	}
	for _, path := range []string{warned, ignored} {
		if text, err := os.ReadFile(path); err != nil || string(text) != "terminated" {
			t.Errorf("the handler of SIGTERM wrote %q, %v, want \"terminated\"", text, err)
		}
	}
	if _, err := os.Stat(unsent); err == nil {
		t.Error("a function without an extension got SIGTERM, want SIGKILL alone")
	}
	if strings.Contains(st.output.String(), "Failed to register") {
		t.Errorf("got the output\n%s\nwant the extension registered", st.output)
	}
}
