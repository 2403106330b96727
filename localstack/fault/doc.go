// Package fault makes the local stack fail on purpose: functions die, the
// database refuses or loses its answers, posts to clients fail, sockets drop.
//
// Use it to see, over HTTP or by flags of the command, that an app keeps its
// promises when what AWS allows to happen does happen. It never acts unless a
// fault is set, never makes a service do what the real one could not, and never
// undoes what it did: a fault that is cleared strikes no more, that is all.
//
// A fault stays on until it is cleared and strikes whatever it is for:
//
//	lambda.kill-before    the process dies when it has been given an event,
//	                      before its handler runs
//	lambda.kill-during    it dies a delay after the event, if it still works on it
//	lambda.kill-after     it dies just after its response has been accepted
//	lambda.lose-response  it dies just after it responded; the response is lost
//	lambda.twice          the event goes to a second instance, too, under the same
//	                      request id; what that returns is dropped
//	lambda.hold           the event is held back for a delay
//	dynamodb.throughput   ProvisionedThroughputExceededException
//	dynamodb.throttling   ThrottlingException
//	dynamodb.conflict     TransactionConflictException; a transaction is cancelled,
//	                      with TransactionConflict for every action
//	dynamodb.error        InternalServerError (500); nothing has been done
//	dynamodb.lose-answer  done and committed, but the connection is dropped, after
//	                      the delay if there is one
//	dynamodb.late-error   done and committed, but answered InternalServerError
//	                      (500) after the delay
//	gateway.delay         a post to a connection is taken a delay later
//	gateway.limit         a post is answered 429 (LimitExceededException)
//	gateway.gone          a post is answered 410 (GoneException)
//	gateway.drop          a post drops the client's socket, without a close frame,
//	                      and is answered 200
//
// An action strikes once, now:
//
//	lambda.kill-now       kills all processes of a function
//	gateway.drop-now      drops a client's socket, without a close frame
//	stack.exit            kills the whole stack at once, as SIGKILL does; whether
//	                      it is answered is not sure
//
// The target is, for lambda, a function's name; for dynamodb, an operation; for
// gateway, a connection's id; "*" and none mean all of them, and "random" is
// one connection for gateway.drop-now. A fault of dynamodb may be for one
// table.
//
// As a flag a fault is written in one line, which [Parse] reads:
//
//	KIND[:TARGET][,table=NAME][,probability=0..1][,count=N][,delay=DURATION]
//
//	lambda.kill-during:sendMessage,probability=0.1,delay=20ms
//	dynamodb.lose-answer:TransactWriteItems,table=messages,count=1
package fault
