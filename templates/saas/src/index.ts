import app from './app';
import { scheduled } from './cron';
import { withSentry } from './integrations/sentry';
import { queue } from './queue';

export { BackupWorkflow } from './backup';
export { Room } from './do/room';

export default withSentry({ fetch: app.fetch, queue, scheduled });
