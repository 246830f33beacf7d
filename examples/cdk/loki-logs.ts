// Sends the logs of functions to Grafana Loki: `LokiLogs` for one function, `LokiLogsForAll` for every function of an app or
// of a stack. A function that cannot take the layer gets a warning, and is left as it is.
import { Annotations, type IAspect } from 'aws-cdk-lib';
import { Architecture, Function, LayerVersion } from 'aws-cdk-lib/aws-lambda';
import { Construct, type IConstruct } from 'constructs';

export interface LokiLogsProps {
  /** ARNs of the layer's versions, as `make publish` prints them: one for each architecture in use. */
  readonly layerArns: { readonly x86_64?: string; readonly arm64?: string };
  readonly endpoint: string;
  /** More settings of the extension: `LOKI_USERNAME`, `LOKI_LOG_LABELS` and others. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** `new LokiLogs(stack, 'Logs', { function: hello, ... })` */
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
    if (node instanceof Function) addLokiLogs(node, node, this.#props);
  }
}

/** The runtimes on Amazon Linux 2023; container images take the executable instead of a layer: see ../container. */
const SUPPORTED = /^(nodejs2\d|python3\.1[2-9]|java2[1-9]|dotnet([89]|1\d)|ruby(3\.[3-9]|[4-9])|provided\.al2023)/;

function addLokiLogs(scope: Construct, target: Function, props: LokiLogsProps): void {
  const arch = target.architecture.name === Architecture.ARM_64.name ? 'arm64' : 'x86_64';
  const layerArn = props.layerArns[arch];
  if (!SUPPORTED.test(target.runtime.name)) return warn(target, `${target.runtime.name} is not on Amazon Linux 2023`);
  if (layerArn === undefined) return warn(target, `no layer for ${arch} was given`);
  target.addLayers(LayerVersion.fromLayerVersionArn(scope, 'LokiLayer', layerArn));
  const variables = { LOKI_PUSH_ENDPOINT: props.endpoint, ...props.environment };
  for (const [name, value] of Object.entries(variables)) target.addEnvironment(name, value);
}

function warn(target: Function, reason: string): void {
  Annotations.of(target).addWarningV2('loki-logs:passed-over', `its logs do not go to Loki: ${reason}`);
}
