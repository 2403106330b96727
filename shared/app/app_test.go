package app

import (
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/sotto-chat/sotto/shared/route"
)

// TestFunctionsAreThoseOfTheTable checks that each row of the table of routes
// has one function, composed with the keyring if and only if the row uses keys.
func TestFunctionsAreThoseOfTheTable(t *testing.T) {
	functions := []Function{
		Connect, Disconnect, Default, Handshake, SendMessage, History, CreateRoom, JoinRoom, LeaveRoom,
		RotateKey, Devices, RevokeDevice, Ping, Rooms, Presence, Typing, Mark,
	}
	var rows []*route.Route
	for _, f := range functions {
		rows = append(rows, f.route)
		name := runtime.FuncForPC(reflect.ValueOf(f.compose).Pointer()).Name()
		name = name[strings.LastIndexByte(name, '.')+1:]
		composed := name != "withRows"
		if used := f.route.Keys != route.NoKeys; composed != used {
			t.Errorf("%s: composed by %s, but it uses keys: %v", f.route.Key, name, used)
		}
	}
	if !slices.Equal(rows, route.All()) {
		t.Errorf("got functions of the routes %v, want those of the table, %v", keysOf(rows), keysOf(route.All()))
	}
}

func keysOf(rows []*route.Route) (keys []string) {
	for _, r := range rows {
		keys = append(keys, r.Key)
	}
	return keys
}
