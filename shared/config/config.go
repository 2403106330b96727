// Package config reads the environment into one struct. It is the only package
// of the service that reads the environment, and it uses only the variables
// that the template and Lambda set.
package config

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// Config is the configuration of a function.
type Config struct {
	Function string // its name, for the log

	Region          string
	AccessKeyID     string
	SecretAccessKey string
	SessionToken    string

	// Endpoints of the services, empty for those of AWS.
	DynamoDBEndpoint   string
	KMSEndpoint        string
	LambdaEndpoint     string
	ManagementEndpoint string // of @connections, with the stage if the endpoint needs one

	Tables Tables
	KMSKey string // ARN or id of the key that wraps all others

	DeliverFunction string // the name of the function that gets chunks of large rooms, empty for none
	KeyFunction     string // the name of the function that makes the service's keys, empty for none

	Audience      string        // `aud` of the protocol: host and stage of the WebSocket URL
	Retention     time.Duration // of messages
	ServerKeyBits int           // 2048 or 3072

	// Registrations is how many names an address may register in an hour, 0 for
	// no limit.
	Registrations int
}

// Tables are the names of the DynamoDB tables.
type Tables struct{ Users, Memberships, Connections, Listeners, Rooms, Messages, Rates, Keys string }

// FromEnvironment reads the process's environment.
func FromEnvironment() (Config, error) { return From(os.Getenv) }

// From reads a configuration with getenv. It fails if a value is invalid or the
// audience is missing. Other variables may be missing: the template sets only
// those that a function uses.
func From(getenv func(string) string) (Config, error) {
	c := Config{
		Function:           getenv("AWS_LAMBDA_FUNCTION_NAME"),
		Region:             getenv("AWS_REGION"),
		AccessKeyID:        getenv("AWS_ACCESS_KEY_ID"),
		SecretAccessKey:    getenv("AWS_SECRET_ACCESS_KEY"),
		SessionToken:       getenv("AWS_SESSION_TOKEN"),
		DynamoDBEndpoint:   endpoint(getenv, "DYNAMODB"),
		KMSEndpoint:        endpoint(getenv, "KMS"),
		LambdaEndpoint:     endpoint(getenv, "LAMBDA"),
		ManagementEndpoint: endpoint(getenv, "APIGATEWAYMANAGEMENTAPI"),
		Tables: Tables{
			Users:       getenv("SOTTO_USERS_TABLE"),
			Memberships: getenv("SOTTO_MEMBERSHIPS_TABLE"),
			Connections: getenv("SOTTO_CONNECTIONS_TABLE"),
			Listeners:   getenv("SOTTO_LISTENERS_TABLE"),
			Rooms:       getenv("SOTTO_ROOMS_TABLE"),
			Messages:    getenv("SOTTO_MESSAGES_TABLE"),
			Rates:       getenv("SOTTO_RATES_TABLE"),
			Keys:        getenv("SOTTO_KEYS_TABLE"),
		},
		KMSKey:          getenv("SOTTO_KMS_KEY"),
		DeliverFunction: getenv("SOTTO_DELIVER_FUNCTION"),
		KeyFunction:     getenv("SOTTO_KEY_FUNCTION"),
		Audience:        getenv("SOTTO_AUDIENCE"),
	}
	if c.ManagementEndpoint == "" {
		c.ManagementEndpoint = getenv("SOTTO_MANAGEMENT_ENDPOINT")
	}
	if c.Audience == "" {
		return c, fmt.Errorf("SOTTO_AUDIENCE is not set")
	}
	days, err := number(getenv, "SOTTO_RETENTION_DAYS", 30, 1, 3650)
	if err != nil {
		return c, err
	}
	c.Retention = time.Duration(days) * 24 * time.Hour
	c.Registrations, err = number(getenv, "SOTTO_REGISTRATIONS_PER_HOUR", 0, 0, 1_000_000)
	if err != nil {
		return c, err
	}
	c.ServerKeyBits, err = number(getenv, "SOTTO_SERVER_KEY_BITS", 2048, 2048, 3072)
	if err == nil && c.ServerKeyBits != 2048 && c.ServerKeyBits != 3072 {
		err = fmt.Errorf("SOTTO_SERVER_KEY_BITS is %d, not 2048 or 3072", c.ServerKeyBits)
	}
	return c, err
}

// endpoint finds a service's endpoint as the SDKs do when they load their own
// configuration: the service's variable, then the general one, unless a third
// variable disables both (AWS SDKs and Tools Reference, "Service-specific
// endpoints"). The functions build aws.Config by hand, which is a thousand
// times as fast, so the SDK does not do this.
func endpoint(getenv func(string) string, service string) string {
	if strings.EqualFold(getenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"), "true") {
		return ""
	}
	if url := getenv("AWS_ENDPOINT_URL_" + service); url != "" {
		return url
	}
	return getenv("AWS_ENDPOINT_URL")
}

func number(getenv func(string) string, name string, standard, least, most int) (int, error) {
	text := getenv(name)
	if text == "" {
		return standard, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > most {
		return 0, fmt.Errorf("%s is %q, not a number from %d to %d", name, text, least, most)
	}
	return n, nil
}
