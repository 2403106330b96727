// Command typing is the Lambda function of the route typing.
package main

import "github.com/sotto-chat/sotto/shared/app"

func main() { app.Start(app.Typing.Handler) }
