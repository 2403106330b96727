// Command rooms is the Lambda function of the route rooms.
package main

import "github.com/sotto-chat/sotto/shared/app"

func main() { app.Start(app.Rooms.Handler) }
