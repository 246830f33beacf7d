// Sends the logs of functions to Grafana Loki: `LokiLogs` for one function, `LokiLogsForAll` for every function of an app or a stack.
import { Annotations, type IAspect } from 'aws-cdk-lib';
import { Architecture, Function, LayerVersion, Runtime } from 'aws-cdk-lib/aws-lambda';
import { Construct, type IConstruct } from 'constructs';

export interface LokiLogsProps {
  /** ARNs of the layer's versions, as `make publish` prints them: one for each architecture in use. */
  readonly layerArns: { readonly x86_64?: string; readonly arm64?: string };
  readonly endpoint: string;
  /** More settings of the extension: `LOKI_USERNAME`, `LOKI_LOG_LABELS` and others. */
  readonly environment?: Readonly<Record<string, string>>;
}

export class LokiLogs extends Construct {
  constructor(scope: Construct, id: string, props: LokiLogsProps & { readonly function: Function }) {
    super(scope, id);
    addLokiLogs(this, props.function, props);
  }
}

/** `Aspects.of(app).add(new LokiLogsForAll({ ... }))` */
export class LokiLogsForAll implements IAspect {
  readonly #props: LokiLogsProps;

  constructor(props: LokiLogsProps) {
    this.#props = props;
  }

  visit(node: IConstruct): void {
    // Container images take the executable, not a layer.
    if (node instanceof Function && node.runtime !== Runtime.FROM_IMAGE) addLokiLogs(node, node, this.#props);
  }
}

function addLokiLogs(scope: Construct, target: Function, { layerArns, endpoint, environment = {} }: LokiLogsProps): void {
  const arch = target.architecture === Architecture.ARM_64 ? 'arm64' : 'x86_64';
  const layerArn = layerArns[arch];
  if (layerArn === undefined) {
    Annotations.of(target).addWarningV2('loki-logs:architecture', `no layer for ${arch}: its logs do not go to Loki`);
    return;
  }
  target.addLayers(LayerVersion.fromLayerVersionArn(scope, 'LokiLayer', layerArn));
  for (const [name, value] of Object.entries({ LOKI_PUSH_ENDPOINT: endpoint, ...environment })) {
    target.addEnvironment(name, value);
  }
}
