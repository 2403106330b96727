package config

import (
	"testing"
	"time"
)

func TestEndpoints(t *testing.T) {
	for _, test := range []struct {
		name           string
		env            map[string]string
		dynamo, manage string
	}{
		{"AWS's own", map[string]string{"SOTTO_MANAGEMENT_ENDPOINT": "https://a/s"}, "", "https://a/s"},
		{"general", map[string]string{"SOTTO_MANAGEMENT_ENDPOINT": "https://a/s",
			"AWS_ENDPOINT_URL": "http://x"}, "http://x", "http://x"},
		{"one service", map[string]string{"AWS_ENDPOINT_URL": "http://x",
			"AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI": "http://x/s"}, "http://x", "http://x/s"},
		{"ignored", map[string]string{"AWS_ENDPOINT_URL": "http://x",
			"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true", "SOTTO_MANAGEMENT_ENDPOINT": "https://a/s"}, "",
			"https://a/s"},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.env["SOTTO_AUDIENCE"] = "host/stage"
			c, err := From(func(name string) string { return test.env[name] })
			if err != nil {
				t.Fatal(err)
			}
			if c.DynamoDBEndpoint != test.dynamo || c.ManagementEndpoint != test.manage {
				t.Errorf("got %q and %q, want %q and %q", c.DynamoDBEndpoint, c.ManagementEndpoint,
					test.dynamo, test.manage)
			}
		})
	}
}

func TestWrongValuesAreRefused(t *testing.T) {
	for _, env := range []map[string]string{
		{},
		{"SOTTO_AUDIENCE": "a", "SOTTO_RETENTION_DAYS": "0"},
		{"SOTTO_AUDIENCE": "a", "SOTTO_RETENTION_DAYS": "a month"},
		{"SOTTO_AUDIENCE": "a", "SOTTO_SERVER_KEY_BITS": "1024"},
		{"SOTTO_AUDIENCE": "a", "SOTTO_SERVER_KEY_BITS": "2500"},
		{"SOTTO_AUDIENCE": "a", "SOTTO_REGISTRATIONS_PER_HOUR": "-1"},
		{"SOTTO_AUDIENCE": "a", "SOTTO_REGISTRATIONS_PER_HOUR": "many"},
	} {
		if _, err := From(func(name string) string { return env[name] }); err == nil {
			t.Errorf("%v was taken", env)
		}
	}
}

func TestDefaults(t *testing.T) {
	c, err := From(func(name string) string { return map[string]string{"SOTTO_AUDIENCE": "a"}[name] })
	if err != nil || c.Retention != 30*24*time.Hour || c.ServerKeyBits != 2048 {
		t.Errorf("got %+v, %v", c, err)
	}
}
