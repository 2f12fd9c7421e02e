export * from './server/extension-kit.ts'
