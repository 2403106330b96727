package e2e

import (
	"testing"

	"github.com/sotto-chat/sotto/localstack/fault"
	"github.com/sotto-chat/sotto/shared/chat"
	"github.com/sotto-chat/sotto/shared/frame"
)

// TestHandshakeHasMissingKeysMade begins a handshake in a deployment without
// keys. While the function that makes them dies, the client is told to try
// again; after that, the same frame gets a challenge.
func TestHandshakeHasMissingKeysMade(t *testing.T) {
	s, ctx := ownStack(t), testContext(t)
	p := connect(ctx, t, s, newUser(t, "first"))
	s.injectFault(t, fault.Fault{Kind: fault.LambdaKillBefore, Target: rotateFunction})
	p.sendFrame(begin(p.user.name))
	if got := expect[frame.Error](p, frame.TypeError); got.Code != chat.TryAgain.Code() {
		t.Errorf("without keys: got the error %s, want %s", got.Code, chat.TryAgain.Code())
	}
	if s.struck(t) == 0 {
		t.Error("got no invocation of the function that makes keys, want one")
	}
	s.clearFaults(t)
	p.sendFrame(begin(p.user.name))
	if got := expect[frame.Challenge](p, frame.TypeChallenge); got.KeySet == "" {
		t.Error("got a challenge without a key set")
	}
}
