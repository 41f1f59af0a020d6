import app from './app';
import { scheduled } from './cron';
import { queue } from './queue';

export { BackupWorkflow } from './backup';

export default { fetch: app.fetch, queue, scheduled } satisfies ExportedHandler<Env>;
