export * from './app/extension-kit.ts'
