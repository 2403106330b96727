// Command handshake is the Lambda function of the route handshake.
package main

import "github.com/sotto-chat/sotto/shared/app"

func main() { app.Start(app.Handshake.Handler) }
