package fault

import (
	"errors"
	"fmt"
	"os"
)

// Targets are the parts of the stack that actions act on.
type Targets struct {
	Functions   Functions
	Connections Connections // nil without a gateway
}

// Functions is the part of the Lambda service that actions need.
type Functions interface {
	// Kill kills the processes of a function, or of all functions for "", and
	// returns how many there were.
	Kill(function string) int
}

// Connections is the part of the gateway that actions need.
type Connections interface {
	ConnectionIDs() []string
	// Drop drops a client's socket without a close frame. It returns false if
	// there is no such connection.
	Drop(connectionID string) bool
}

// Done is the result of an action.
type Done struct {
	Kind   Kind   `json:"kind"`
	Target string `json:"target"`
	// Struck is the number of processes killed or sockets dropped.
	Struck int `json:"struck"`
}

// act carries out an action.
func (in *Injector) act(f Fault, targets Targets) (Done, error) {
	if err := f.check(*in.functions.Load()); err != nil {
		return Done{}, err
	}
	in.log.Info("fault action", "fault", f.String())
	done := Done{Kind: f.Kind, Target: f.Target}
	switch f.Kind {
	case LambdaKillNow:
		function := f.Target
		if function == all {
			function = ""
		}
		done.Struck = targets.Functions.Kill(function)
	case GatewayDropNow:
		if targets.Connections == nil {
			return Done{}, fmt.Errorf("%s: the template has no WebSocket API", f.Kind)
		}
		done.Struck = in.drop(f.Target, targets.Connections)
	case StackExit:
		return Done{}, exit()
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	in.total[f.Kind] += uint64(done.Struck)
	return done, nil
}

// drop drops one socket, a random one, or all, and returns how many it dropped.
func (in *Injector) drop(target string, connections Connections) (dropped int) {
	ids := []string{target}
	switch target {
	case all:
		ids = connections.ConnectionIDs()
	case random:
		ids = connections.ConnectionIDs()
		if len(ids) > 0 {
			in.mu.Lock()
			i := in.chance.IntN(len(ids))
			in.mu.Unlock()
			ids = ids[i : i+1]
		}
	}
	for _, id := range ids {
		if connections.Drop(id) {
			dropped++
		}
	}
	return dropped
}

// exit kills this process as SIGKILL does: nothing is closed or flushed. It
// returns only if the system refuses.
func exit() error {
	self, err := os.FindProcess(os.Getpid())
	if err != nil {
		return fmt.Errorf("find this process: %w", err)
	}
	if err := self.Kill(); err != nil {
		return fmt.Errorf("kill this process: %w", err)
	}
	return errors.New("the kill of this process has not taken effect yet")
}
