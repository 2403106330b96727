package stack_test

import (
	"errors"
	"net"
	"net/http"
	"runtime"
	"testing"

	"github.com/sotto-chat/sotto/localstack/stack"
)

// A stack answers on the address of its bridge too.
func TestBridge(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux has 127.0.0.2 and an interface lo")
	}
	template := writeTemplate(t, tableTemplate)
	s, err := stack.New(stack.Options{Template: template, Listen: "127.0.0.2:0", Bridge: "lo"})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	_, port, err := net.SplitHostPort(s.Addresses().Listen)
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), "GET", "http://127.0.0.1:"+port+"/_localstack/health", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Host = "host.docker.internal:" + port
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusServiceUnavailable { // it has not started
		t.Errorf("got %s, want the health", response.Status)
	}
	_, err = stack.New(stack.Options{Template: writeTemplate(t, tableTemplate), Bridge: "absent0"})
	if !errors.As(err, new(*stack.OptionError)) {
		t.Errorf("an absent interface: got %v, want an OptionError", err)
	}
}
