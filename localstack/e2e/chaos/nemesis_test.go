package chaos

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
)

// restartEvery is how many phases of faults pass between two kill -9 of the
// whole stack.
const restartEvery = 6

// nemesis breaks the stack.
type nemesis struct {
	stack  *stack
	chance *rand.Rand

	struck    map[string]uint64 // by kind, of the stacks that are gone
	current   map[string]uint64 // by kind, of the one that runs, as last heard
	restarts  int
	rotations int // of the server key
	refused   int // rotations of the server key that failed
}

// weather is what may be wrong for a while. Each makes a fault of a severity
// between 0 and 1. The probabilities leave something to be served: where
// nothing works, nothing can go wrong.
var weather = []func(n *nemesis, severity float64) fault{
	func(n *nemesis, s float64) fault {
		return fault{Kind: "lambda.kill-before", Target: n.function(), Probability: 0.3 * s}
	},
	func(n *nemesis, s float64) fault {
		return fault{Kind: "lambda.kill-during", Target: n.function(), Probability: 0.4 * s, Delay: n.delay(1, 40)}
	},
	func(n *nemesis, s float64) fault {
		return fault{Kind: "lambda.kill-after", Target: n.function(), Probability: 0.4 * s}
	},
	func(n *nemesis, s float64) fault {
		return fault{Kind: "lambda.lose-response", Target: n.function(), Probability: 0.3 * s}
	},
	func(n *nemesis, s float64) fault {
		return fault{Kind: "lambda.twice", Target: n.function(), Probability: 0.5 * s}
	},
	func(n *nemesis, s float64) fault {
		return fault{Kind: "lambda.hold", Target: n.function(), Probability: 0.3 * s, Delay: n.delay(50, 1500)}
	},
	func(_ *nemesis, s float64) fault { return fault{Kind: "dynamodb.throughput", Probability: 0.1 * s} },
	func(_ *nemesis, s float64) fault { return fault{Kind: "dynamodb.throttling", Probability: 0.1 * s} },
	func(_ *nemesis, s float64) fault { return fault{Kind: "dynamodb.conflict", Probability: 0.2 * s} },
	func(_ *nemesis, s float64) fault { return fault{Kind: "dynamodb.error", Probability: 0.1 * s} },
	func(_ *nemesis, s float64) fault { return fault{Kind: "dynamodb.lose-answer", Probability: 0.1 * s} },
	func(n *nemesis, s float64) fault {
		return fault{Kind: "dynamodb.late-error", Probability: 0.1 * s, Delay: n.delay(1, 100)}
	},
	func(_ *nemesis, s float64) fault {
		return fault{Kind: "dynamodb.lose-answer", Target: "TransactWriteItems", Probability: 0.5 * s}
	},
	func(n *nemesis, s float64) fault {
		return fault{Kind: "gateway.delay", Probability: 0.5 * s, Delay: n.delay(10, 800)}
	},
	func(_ *nemesis, s float64) fault { return fault{Kind: "gateway.limit", Probability: 0.4 * s} },
	func(_ *nemesis, s float64) fault { return fault{Kind: "gateway.gone", Probability: 0.1 * s} },
	func(_ *nemesis, s float64) fault { return fault{Kind: "gateway.drop", Probability: 0.1 * s} },
}

// function picks the target of a fault: mostly all of them, else one.
func (n *nemesis) function() string {
	if n.chance.IntN(3) > 0 {
		return "*"
	}
	return n.stack.functions[n.chance.IntN(len(n.stack.functions))]
}

// delay picks a delay in milliseconds.
func (n *nemesis) delay(from, to int) string {
	return fmt.Sprintf("%dms", from+n.chance.IntN(to-from))
}

// rage breaks things until ctx ends. Its error is about itself, not what it
// broke.
func (n *nemesis) rage(ctx context.Context) error {
	n.struck = map[string]uint64{}
	for phase := 1; ctx.Err() == nil; phase++ {
		if err := n.phase(ctx, phase); err != nil && ctx.Err() == nil {
			return fmt.Errorf("break things: %w", err)
		}
	}
	return nil
}

// phase is some faults for some seconds, an accident in their midst, and a
// calm.
func (n *nemesis) phase(ctx context.Context, phase int) (err error) {
	var faults []fault
	for range 1 + n.chance.IntN(4) {
		faults = append(faults, weather[n.chance.IntN(len(weather))](n, 0.2+0.8*n.chance.Float64()))
	}
	if n.current, err = n.stack.faults(ctx, http.MethodPut,
		map[string]any{"seed": n.chance.Uint64(), "faults": faults}); err != nil {
		return err
	}
	n.pause(ctx, 500, 2000)
	if err := n.accident(ctx, phase); err != nil {
		return err
	}
	n.pause(ctx, 500, 1500)
	if n.current, err = n.stack.faults(ctx, http.MethodPut, map[string]any{"faults": []fault{}}); err != nil {
		return err
	}
	n.pause(ctx, 200, 1500)
	return nil
}

func (n *nemesis) accident(ctx context.Context, phase int) (err error) {
	if phase%restartEvery == restartEvery/2 {
		return n.restart(ctx)
	}
	if n.chance.IntN(3) == 0 {
		n.rotateServerKey(ctx)
	}
	switch n.chance.IntN(4) {
	case 0:
		_, err = n.stack.faults(ctx, http.MethodPost, fault{Kind: "lambda.kill-now", Target: n.function()})
	case 1:
		_, err = n.stack.faults(ctx, http.MethodPost, fault{Kind: "gateway.drop-now", Target: "random"})
	case 2:
		_, err = n.stack.faults(ctx, http.MethodPost, fault{Kind: "gateway.drop-now", Target: "*"})
	}
	return err
}

// restart is kill -9 of the whole stack, and another start over what is left.
func (n *nemesis) restart(ctx context.Context) error {
	total, err := n.stack.faults(ctx, http.MethodGet, nil)
	if err != nil {
		return err
	}
	for kind, times := range total {
		n.struck[kind] += times
	}
	n.current = nil
	n.stack.kill()
	n.restarts++
	return n.stack.start()
}

// rotateServerKey invokes the function of the schedule. It may well fail, as
// any function does here; the next invocation takes up what it left.
func (n *nemesis) rotateServerKey(ctx context.Context) {
	url := "http://" + n.stack.address
	functions := lambda.New(lambda.Options{
		Region:           "eu-central-1",
		BaseEndpoint:     &url,
		RetryMaxAttempts: 1,
		Credentials:      credentials.NewStaticCredentialsProvider("anything", "goes", ""),
	})
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	n.rotations++
	answer, err := functions.Invoke(ctx, &lambda.InvokeInput{FunctionName: aws.String("local-RotateServerKeyFunction")})
	if err != nil || answer.FunctionError != nil {
		n.refused++
	}
}

// pause waits for a time between two bounds in milliseconds, or for the end.
func (n *nemesis) pause(ctx context.Context, from, to int) { pause(ctx, n.chance, from, to) }

func pause(ctx context.Context, chance *rand.Rand, from, to int) {
	timer := time.NewTimer(time.Duration(from+chance.IntN(to-from)) * time.Millisecond)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
