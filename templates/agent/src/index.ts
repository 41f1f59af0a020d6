import app from './app';
import { scheduled } from './cron';

export { Assistant } from './agent';
export { BackupWorkflow } from './backup';

export default { fetch: app.fetch, scheduled } satisfies ExportedHandler<Env>;
