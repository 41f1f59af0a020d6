CREATE TABLE `answers` (
	`id` text PRIMARY KEY NOT NULL,
	`created_at` text DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) NOT NULL,
	`updated_at` text DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) NOT NULL,
	`conversation_id` text NOT NULL,
	`model` text NOT NULL,
	`ending` text NOT NULL,
	`steps` integer NOT NULL,
	`tokens` integer NOT NULL,
	`ms` integer NOT NULL,
	FOREIGN KEY (`conversation_id`) REFERENCES `conversations`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `idx_answers_conversation_id` ON `answers` (`conversation_id`);--> statement-breakpoint
CREATE INDEX `idx_answers_created_at` ON `answers` (`created_at`);--> statement-breakpoint
CREATE TABLE `conversations` (
	`id` text PRIMARY KEY NOT NULL,
	`created_at` text DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) NOT NULL,
	`updated_at` text DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) NOT NULL,
	`visitor_id` text NOT NULL,
	`title` text DEFAULT '' NOT NULL,
	`message_count` integer DEFAULT 0 NOT NULL,
	`last_message_at` text,
	`deleted_at` text,
	`cleared_at` text
);
--> statement-breakpoint
CREATE INDEX `idx_conversations_visitor_id` ON `conversations` (`visitor_id`,`id`);--> statement-breakpoint
CREATE INDEX `idx_conversations_deleted_at` ON `conversations` (`deleted_at`);