// Command rotatekey is the Lambda function of the route rotateKey.
package main

import "github.com/sotto-chat/sotto/shared/app"

func main() { app.Start(app.RotateKey.Handler) }
