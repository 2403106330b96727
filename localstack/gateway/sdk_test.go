package gateway

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi"
	"github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi/types"
	"github.com/aws/smithy-go"
)

// TestC8_TypedErrors shows the error type of the Go SDK for each error, and how
// often the SDK tries.
func TestC8_TypedErrors(t *testing.T) {
	t.Parallel()
	as := func(target any) func(error) bool { return func(err error) bool { return errors.As(err, target) } }
	code := func(want string) func(error) bool {
		return func(err error) bool {
			var failure smithy.APIError
			return errors.As(err, &failure) && failure.ErrorCode() == want && failure.ErrorMessage() != ""
		}
	}
	for _, test := range []struct {
		name     string
		id       string // empty: that of the open connection
		size     int
		stage    string
		change   func(*Options)
		attempts int64
		want     string // the error's name
		is       func(error) bool
	}{
		{name: "gone", id: unknownID, attempts: 1, want: "GoneException", is: as(new(*types.GoneException))},
		{name: "stage", stage: "dev", attempts: 1, want: "ForbiddenException", is: as(new(*types.ForbiddenException))},
		{name: "id", id: "abc", attempts: 1, want: "BadRequestException", is: code("BadRequestException")},
		{
			name:     "size",
			size:     128<<10 + 1,
			attempts: 1,
			want:     "PayloadTooLargeException",
			is:       as(new(*types.PayloadTooLargeException)),
		},
		{
			name:     "rate",
			attempts: 3,
			want:     "LimitExceededException",
			is:       as(new(*types.LimitExceededException)),
			change: func(o *Options) {
				o.Limits.AccountRate, o.Limits.AccountBurst = 1e-9, 1 // the handshake takes the token
			},
		},
	} {
		s := start(t, basicFunctions, test.change)
		c := s.dial()
		var attempts atomic.Int64
		posts := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			attempts.Add(1)
			s.gateway.Management().ServeHTTP(w, r)
		}))
		t.Cleanup(posts.Close)
		stage, id := test.stage, test.id
		if stage == "" {
			stage = "prod"
		}
		if id == "" {
			id = c.id
		}
		client := apigatewaymanagementapi.New(s.management().Options(), func(o *apigatewaymanagementapi.Options) {
			o.BaseEndpoint = aws.String(posts.URL + "/" + stage)
			o.Retryer = retry.NewStandard(func(o *retry.StandardOptions) {
				o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
			})
		})
		_, err := client.PostToConnection(t.Context(), &apigatewaymanagementapi.PostToConnectionInput{
			ConnectionId: &id,
			Data:         []byte(strings.Repeat("x", max(test.size, 1))),
		})
		if err == nil || !test.is(err) || attempts.Load() != test.attempts {
			t.Errorf("%s: got error %v after %d attempts, want %s after %d", test.name, err,
				attempts.Load(), test.want, test.attempts)
		}
	}
}

// environment reads endpoints from the environment, as the SDK's config package
// does.
type environment struct{}

func (environment) GetServiceBaseEndpoint(_ context.Context, sdkID string) (string, bool, error) {
	name := "AWS_ENDPOINT_URL_" + strings.ToUpper(strings.ReplaceAll(sdkID, " ", "_"))
	value, ok := os.LookupEnv(name)
	return value, ok, nil
}

func TestC11_EndpointFromTheEnvironment(t *testing.T) {
	s := start(t, basicFunctions, nil)
	c := s.dial()
	t.Setenv("AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI", s.posts.URL+"/prod")
	config := aws.Config{
		Region:        "us-east-1",
		Credentials:   credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""),
		Retryer:       func() aws.Retryer { return aws.NopRetryer{} },
		ConfigSources: []any{environment{}},
	}
	input := &apigatewaymanagementapi.PostToConnectionInput{ConnectionId: &c.id, Data: []byte("hello")}
	if _, err := apigatewaymanagementapi.NewFromConfig(config).PostToConnection(t.Context(), input); err != nil {
		t.Fatal(err)
	}
	c.wantReceive("hello")
	// An endpoint in the program has precedence.
	own := apigatewaymanagementapi.NewFromConfig(config, func(o *apigatewaymanagementapi.Options) {
		o.BaseEndpoint = aws.String(s.posts.URL + "/own")
	})
	var forbidden *types.ForbiddenException
	if _, err := own.PostToConnection(t.Context(), input); !errors.As(err, &forbidden) {
		t.Errorf("with an endpoint in the program: got error %v, want ForbiddenException", err)
	}
}
