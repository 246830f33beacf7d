import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestHandler;
import java.util.Map;

/** What the context's logger writes becomes a line in Loki, and so does what is printed. */
public class Handler implements RequestHandler<Map<String, Object>, String> {
  @Override
  public String handleRequest(Map<String, Object> event, Context context) {
    context.getLogger().log("hello from " + context.getFunctionName());
    System.err.println("WARN stock is low");
    return "ok";
  }
}
