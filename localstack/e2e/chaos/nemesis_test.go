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

// nemesis injects faults and kills the stack.
type nemesis struct {
	stack  *stack
	random *rand.Rand

	struck    map[string]uint64 // by kind, of the stacks that were killed
	current   map[string]uint64 // by kind, of the running stack, as last reported
	restarts  int
	rotations int // of the server key
	refused   int // rotations of the server key that failed
}

// faultMakers make the faults of a phase, each with a severity from 0 to 1. The
// probabilities leave some requests unharmed: where nothing works, no promise
// can break.
var faultMakers = []func(n *nemesis, severity float64) fault{
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

// function picks the target of a fault: mostly all functions, otherwise one.
func (n *nemesis) function() string {
	if n.random.IntN(3) > 0 {
		return "*"
	}
	return n.stack.functions[n.random.IntN(len(n.stack.functions))]
}

// delay picks a delay in milliseconds.
func (n *nemesis) delay(from, to int) string {
	return fmt.Sprintf("%dms", from+n.random.IntN(to-from))
}

// run injects faults until ctx ends. Its error is about the injection, not
// about what it broke.
func (n *nemesis) run(ctx context.Context) error {
	n.struck = map[string]uint64{}
	for phase := 1; ctx.Err() == nil; phase++ {
		if err := n.phase(ctx, phase); err != nil && ctx.Err() == nil {
			return fmt.Errorf("inject faults: %w", err)
		}
	}
	return nil
}

// phase sets some faults for some seconds, disrupts the stack during that time,
// and clears the faults.
func (n *nemesis) phase(ctx context.Context, phase int) (err error) {
	var faults []fault
	for range 1 + n.random.IntN(4) {
		faults = append(faults, faultMakers[n.random.IntN(len(faultMakers))](n, 0.2+0.8*n.random.Float64()))
	}
	if n.current, err = n.stack.faults(ctx, http.MethodPut,
		map[string]any{"seed": n.random.Uint64(), "faults": faults}); err != nil {
		return err
	}
	n.pause(ctx, 500, 2000)
	if err := n.disrupt(ctx, phase); err != nil {
		return err
	}
	n.pause(ctx, 500, 1500)
	if n.current, err = n.stack.faults(ctx, http.MethodPut, map[string]any{"faults": []fault{}}); err != nil {
		return err
	}
	n.pause(ctx, 200, 1500)
	return nil
}

// disrupt does one thing that takes effect at once: it kills the stack,
// instances or connections, or rotates the server key.
func (n *nemesis) disrupt(ctx context.Context, phase int) (err error) {
	if phase%restartEvery == restartEvery/2 {
		return n.restart(ctx)
	}
	if n.random.IntN(3) == 0 {
		n.rotateServerKey(ctx)
	}
	switch n.random.IntN(4) {
	case 0:
		_, err = n.stack.faults(ctx, http.MethodPost, fault{Kind: "lambda.kill-now", Target: n.function()})
	case 1:
		_, err = n.stack.faults(ctx, http.MethodPost, fault{Kind: "gateway.drop-now", Target: "random"})
	case 2:
		_, err = n.stack.faults(ctx, http.MethodPost, fault{Kind: "gateway.drop-now", Target: "*"})
	}
	return err
}

// restart ends the whole stack by kill -9 and starts it again over the same
// data.
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

// rotateServerKey invokes the scheduled function. It may fail as any function
// does here; the next invocation completes what it left.
func (n *nemesis) rotateServerKey(ctx context.Context) {
	url := "http://" + n.stack.address
	functions := lambda.New(lambda.Options{
		Region:           "eu-central-1",
		BaseEndpoint:     &url,
		RetryMaxAttempts: 1,
		Credentials:      credentials.NewStaticCredentialsProvider("anything", "goes", ""),
	})
	ctx, cancel := context.WithTimeout(ctx, waitTimeout)
	defer cancel()
	n.rotations++
	answer, err := functions.Invoke(ctx, &lambda.InvokeInput{FunctionName: aws.String("local-RotateServerKeyFunction")})
	if err != nil || answer.FunctionError != nil {
		n.refused++
	}
}

// pause waits for a random time between two bounds in milliseconds, or until
// ctx ends.
func (n *nemesis) pause(ctx context.Context, from, to int) { pause(ctx, n.random, from, to) }

func pause(ctx context.Context, random *rand.Rand, from, to int) {
	timer := time.NewTimer(time.Duration(from+random.IntN(to-from)) * time.Millisecond)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
